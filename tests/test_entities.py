"""Mentions in a text: what rows and models may write, and scores against published ones."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kind_contract import KindContract

from harness import metrics
from harness.kinds.alignment import aligned, folded
from harness.kinds.entities import Entities
from harness.predictors.crf import Crf, tokenized
from harness.predictors.dictionary import Dictionary
from harness.types import Example, Prediction, Status

SHARED = Path(__file__).parents[2] / "shared" / "data"
KIND = Entities(labels={"ORG": "companies", "PER": "people"})
TEXT = "Acme Corp (old) hired Lee, and Acme [sic] paid."


def item(text, *spans, id_="1"):
    return Example(id_, {"text": text}, KIND.canonical(spans))


def read(text, of, form=None):
    return KIND.read(text, of, KIND.words(form, "here"))


class TestEntities(KindContract):
    good = (
        ({"text": TEXT, "gold": [[22, 25, "PER"], [0, 9, "ORG"]]}, '[[0, 9, "ORG"], [22, 25, "PER"]]'),
        ({"text": TEXT, "gold": [{"start": "0", "end": "9", "label": "ORG"}]}, '[[0, 9, "ORG"]]'),
        ({"text": TEXT, "gold": '[[0, 4, "ORG"], [31, 35, "ORG"]]'}, '[[0, 4, "ORG"], [31, 35, "ORG"]]'),
        ({"text": "Nobody\r\nis (here) \\ [or] there", "gold": []}, "[]"),
        ({"text": "We saw 👩‍👩‍👧 Ltd\u200b and 株式会社アクメ", "gold": [[7, 16, "ORG"]]}, '[[7, 16, "ORG"]]'),
        ({"text": "شركة أكمي في دبي", "gold": [[5, 9, "ORG"]]}, '[[5, 9, "ORG"]]'),
        ({"text": "Ｆｕｌｌ１２３ Co", "gold": [[0, 7, "ORG"]]}, '[[0, 7, "ORG"]]'),
    )
    bad = (
        ({"text": TEXT, "gold": [[0, 9, "ORG"], [5, 12, "ORG"]]}, "overlap"),
        ({"text": TEXT, "gold": [[9, 0, "ORG"]]}, "empty or reversed"),
        ({"text": TEXT, "gold": [[40, 400, "ORG"]]}, "not within the 47 characters"),
        ({"text": TEXT, "gold": [[-3, 4, "ORG"]]}, "not within"),
        ({"text": TEXT, "gold": [[0, 9, "ORF"]]}, "Did you mean 'ORG'"),
        ({"text": TEXT, "gold": [[0, 10, "ORG"]]}, "white space"),
        ({"text": TEXT, "gold": [[0, 9]]}, r"not \[start, end, type\]"),
        ({"text": TEXT, "gold": [["a", 9, "ORG"]]}, "whole numbers"),
        ({"text": TEXT, "gold": None}, "null"),
    )
    forms = (None, "marks", {"ORG": "公司", "PER": "人"})

    @pytest.fixture
    def kind(self):
        return KIND

    def test_right_is_a_share_and_no_answer_is_none(self, kind):
        one = item(TEXT, (0, 9, "ORG"), (22, 25, "PER"))
        assert kind.right(one, '[[0, 9, "ORG"]]') == pytest.approx(2 / 3)
        assert kind.right(one, '[[0, 9, "PER"]]') == 0
        assert kind.right(one, None) == 0
        assert kind.right(item(TEXT), "[]") == 1


class TestReading:
    @pytest.mark.parametrize(
        ("text", "output", "lost", "mentioned"),
        [
            ('[["Acme Corp", "ORG"], ["Lee", "PER"]]', [[0, 9, "ORG"], [22, 25, "PER"]], 0, None),
            ('```json\n[["Lee", "per"]]\n```', [[22, 25, "PER"]], 0, None),
            ('[{"text": "Lee", "type": "PER"}]', [[22, 25, "PER"]], 0, None),
            ("[]", [], 0, None),
            ('[["Acme", "ORG"], ["Acme", "ORG"], ["Acme", "ORG"]]', [[0, 4, "ORG"], [31, 35, "ORG"]], 1, None),
            ('[["Lee", "PER"], ["Acme", "ORG"]]', [[22, 25, "PER"], [31, 35, "ORG"]], 0, None),
            ('[["acme corp", "ORG"]]', [[0, 9, "ORG"]], 0, None),
            ('[["Bob", "PER"], ["Lee", "DOG"], ["Lee"]]', [], 3, None),
            ('Sure! [["Lee", "PER"]] Anything else?', None, 0, [[22, 25, "PER"]]),
            ('[["Lee", "PER"], ["Acm', None, 0, [[22, 25, "PER"]]),
            ("no entities", None, 0, None),
        ],
    )
    def test_lists_are_aligned_from_left_to_right(self, text, output, lost, mentioned):
        found = read(text, item(TEXT))
        assert (json.loads(found.output or "null"), found.lost) == (output, lost)
        assert json.loads(found.mentioned or "null") == mentioned

    def test_marks_need_the_text_itself(self):
        whole = KIND.shown(item(TEXT, (0, 9, "ORG")), KIND.words("marks", "here"))
        assert whole == r"[Acme Corp](ORG) \(old\) hired Lee, and Acme \[sic\] paid."
        assert read(whole, item(TEXT), "marks").output == '[[0, 9, "ORG"]]'
        found = read("[Lee](PER) was hired", item(TEXT), "marks")
        assert (found.output, found.mentioned) == (None, '[[22, 25, "PER"]]')

    @given(st.text(alphabet=st.characters(blacklist_categories=["Cs"]), max_size=40), st.data())
    def test_marks_survive_any_text(self, text, data):
        kept = [i for i in range(len(text)) if text[i].strip() and text[i].isprintable()]
        spans = [
            (i, i + 1, "ORG") for i in sorted(data.draw(st.sets(st.sampled_from(kept), max_size=3)) if kept else ())
        ]
        one = item(text, *spans)
        found = read(KIND.shown(one, KIND.words("marks", "here")), one, "marks")
        assert found.output is not None

    @given(st.text(max_size=30), st.integers(0, 29), st.integers(1, 5))
    def test_a_mention_is_found_where_it_reads_so(self, text, start, length):
        mention = text[start : start + length].strip()
        if not mention:
            return
        (place,) = aligned([mention], text)
        assert place is not None
        assert text[place[0] : place[1]] == mention

    def test_a_ligature_is_not_cut(self):
        assert aligned(["f"], "o\ufb03ce") == [None]  # within the ligature ffi
        assert aligned(["office"], "o\ufb03ce") == [(0, 4)]
        assert folded("A\u200bB")[1] == [0, 2]


class TestMetrics:
    ITEMS = (item(TEXT, (0, 9, "ORG"), (22, 25, "PER")), item(TEXT, id_="2"), item(TEXT, (31, 35, "ORG"), id_="3"))
    SAID = ('[[0, 9, "ORG"], [22, 24, "PER"]]', '[[0, 4, "ORG"]]', None)

    def value(self, name):
        said = [
            Prediction(e.id, text, Status.OK if text else Status.UNPARSED)
            for e, text in zip(self.ITEMS, self.SAID, strict=True)
        ]
        metric = metrics.create(name, KIND)
        return metric.score(metric.statistics(self.ITEMS, said).sum(0))

    def test_by_hand(self):
        # 1 hit of 3 right ones and 3 said; ORG: 1 of 2 and 2; PER: 0 of 1 and 1.
        assert self.value("entity-f1") == pytest.approx([2 / 6])
        assert self.value("type-f1") == pytest.approx([2 / 4, 0])
        assert self.value("entity-macro-f1") == pytest.approx([1 / 4])
        # 1 right, 1 overlapping, of 3 right ones and 3 said.
        assert self.value("partial-f1") == pytest.approx([2 * 1.5 / 6])

    def test_partial_credit_is_that_of_the_package(self):
        """The package's own example, with its counts for the scheme "partial" (README of nervaluate 1.2)."""
        from nervaluate import Evaluator

        gold = [[{"label": "PER", "start": 2, "end": 4}], [{"label": "LOC", "start": 1, "end": 2},
                {"label": "LOC", "start": 3, "end": 4}]]  # fmt: skip
        said = [[{"label": "PER", "start": 2, "end": 4}], [{"label": "LOC", "start": 1, "end": 2},
                {"label": "LOC", "start": 2, "end": 4}]]  # fmt: skip
        theirs = Evaluator(gold, said, tags=["LOC", "PER"], loader="dict").evaluate()["overall"]["partial"]
        kind = Entities(labels=["LOC", "PER"])

        def spans(rows):
            return [kind.canonical((r["start"], r["end"] + 1, r["label"]) for r in row) for row in rows]

        items = [Example(str(i), {"text": "x"}, target) for i, target in enumerate(spans(gold))]
        metric = metrics.create("partial-f1", kind)
        totals = metric.statistics(items, [Prediction(e.id, o) for e, o in zip(items, spans(said), strict=True)]).sum(0)
        assert totals.tolist() == [theirs.correct, theirs.partial, theirs.possible, theirs.actual]
        assert metric.score(totals)[0] == pytest.approx(theirs.f1)

    def test_a_thousand_items_are_scored_in_totals(self):
        rows = np.repeat(
            metrics.create("entity-f1", KIND).statistics(self.ITEMS[:1], [Prediction("1", self.SAID[0])]), 3, 0
        )
        assert metrics.create("entity-f1", KIND).score(rows).shape == (3, 1)


def conll(path, column):
    """The sentences of a file in columns, as (words, tags)."""
    sentences, words, tags = [], [], []
    for line in [*path.read_text(encoding="utf-8", errors="replace").splitlines(), ""]:
        parts = line.split("\t") if "\t" in line else line.split()
        if not parts or not line.strip():
            if words:
                sentences.append((words, tags))
            words, tags = [], []
            continue
        words.append(parts[0])
        tags.append(parts[column])
    return sentences


def spans_of(words, tags):
    """The text of words and its spans by BIO tags; one that is continued without having begun begins there."""
    text, spans, place, before = "", [], 0, "O"
    for word, tag in zip(words, tags, strict=True):
        place = len(text)
        text += word + " "
        mark, _, name = tag.partition("-")
        if mark == "I" and before.partition("-")[2] == name:
            spans[-1] = (spans[-1][0], place + len(word), name)
        elif mark != "O":
            spans.append((place, place + len(word), name))
        before = tag
    return text.strip(), spans


def test_baselines_learn_mentions():
    train = [
        item("Acme Corp pays Lee", (0, 9, "ORG"), (15, 18, "PER"), id_="a"),
        item("Lee left Bolt Inc today", (0, 3, "PER"), (9, 17, "ORG"), id_="b"),
        item("Sun Corp pays Kim", (0, 8, "ORG"), (14, 17, "PER"), id_="c"),
    ]
    asked = [item("Acme Corp and Leeds met Lee", id_="q")]
    (looked_up,) = Dictionary(KIND).fit(train).predict(asked)
    assert json.loads(looked_up.output) == [[0, 9, "ORG"], [24, 27, "PER"]]
    made = Crf(KIND, c1=0.0, c2=0.01).fit(train)
    (found,) = made.predict([item("Mega Corp pays Lee", id_="q")])
    assert json.loads(found.output) == [[0, 9, "ORG"], [15, 18, "PER"]]
    assert repr(eval(repr(made), {"Crf": Crf, "Entities": Entities})) == repr(made)
    assert tokenized("EUR 1,234.5阿里!") == [
        (0, 3, "EUR"),
        (4, 11, "1,234.5"),
        (11, 12, "阿"),
        (12, 13, "里"),
        (13, 14, "!"),
    ]


PUBLISHED = {
    "uh_ritual": 41.86, "spinningbytes": 40.78, "sjtu_adapt": 40.42, "arcada": 39.98, "flytxt": 38.35,
    "mic-cis": 37.06, "drexel_cci": 26.30,
}  # fmt: skip


def wnut(name):
    folder = SHARED / "wnut17"
    if not folder.exists():
        pytest.skip("../shared/data/wnut17 is not there")
    return folder


@pytest.mark.parametrize("name", PUBLISHED)
def test_shared_task_submissions_get_their_published_scores(name):
    """WNUT-17 (Derczynski et al., 2017), table 3: F1 of exact spans with their types."""
    folder = wnut(name)
    (path,) = (each for each in (folder / "submissions").iterdir() if each.stem == name)
    gold = conll(folder / "emerging.test.annotated", 1)
    # A system may have changed the words; their number is that of the data.
    said = iter([tags for _, each in conll(path, -1) for tags in each])
    kind = Entities(labels=["corporation", "creative-work", "group", "location", "person", "product"])
    items, predictions = [], []
    for place, (words, tags) in enumerate(gold):
        text, spans = spans_of(words, tags)
        items.append(Example(str(place), {"text": text}, kind.canonical(spans)))
        predictions.append(Prediction(str(place), kind.canonical(spans_of(words, [next(said) for _ in words])[1])))
    assert next(said, None) is None
    metric = metrics.create("entity-f1", kind)
    assert 100 * metric.score(metric.statistics(items, predictions).sum(0))[0] == pytest.approx(
        PUBLISHED[name], abs=0.005
    )


@pytest.mark.slow
def test_a_crf_does_on_filings_about_as_was_published():
    """Salinas Alvarado et al. (2015): 82.7 F1 of a CRF trained on FIN5 and tested on FIN3, with other features."""
    folder = SHARED / "sec_ner"
    if not folder.exists():
        pytest.skip("../shared/data/sec_ner is not there")
    kind = Entities(labels=["LOC", "MISC", "ORG", "PER"])
    splits = {}
    for name in ("FIN5", "FIN3"):
        splits[name] = []
        for place, (words, tags) in enumerate(conll(folder / f"{name}.txt", -1)):
            text, spans = spans_of(words, tags)
            splits[name].append(Example(f"{name}-{place}", {"text": text}, kind.canonical(spans)))
    predictions = list(Crf(kind).fit(splits["FIN5"]).predict(splits["FIN3"]))
    metric = metrics.create("entity-f1", kind)
    assert metric.score(metric.statistics(splits["FIN3"], predictions).sum(0))[0] > 0.75
