"""Answers within a passage: what rows and models may write, and SQuAD's official rule."""

import json
from pathlib import Path

import pytest
from kind_contract import KindContract

from harness import metrics
from harness.kinds.span import Span
from harness.predictors.sentence import Sentence
from harness.predictors.sentences import sentences
from harness.types import Example, Prediction

SHARED = Path(__file__).parents[2] / "shared" / "data" / "xquad"
KIND = Span(context="passage")
PASSAGE = "The loan of USD 42 million falls due on 3 May 2026.\r\nAcme\u200b may repay it early."
INPUTS = ("passage", "question")


class TestSpan(KindContract):
    inputs = INPUTS
    good = (
        ({"passage": PASSAGE, "gold": [{"start": 12, "text": "USD 42 million"}]}, '[[12, "USD 42 million"]]'),
        ({"passage": PASSAGE, "gold": [[16, "42 million"], [12, "USD 42 million"]]},
         '[[12, "USD 42 million"], [16, "42 million"]]'),
        ({"passage": PASSAGE, "gold": {"text": ["3 May 2026"], "answer_start": ["40"]}}, '[[40, "3 May 2026"]]'),
        ({"passage": PASSAGE, "gold": "3 May 2026"}, '[[40, "3 May 2026"]]'),
        ({"passage": PASSAGE, "gold": "2026.\r\nAcme"}, '[[46, "2026.\\r\\nAcme"]]'),
        ({"passage": "إيرادات ١٢٣ مليون", "gold": "١٢٣"}, '[[8, "١٢٣"]]'),
        ({"passage": PASSAGE, "gold": []}, "[]"),
    )  # fmt: skip
    bad = (
        ({"passage": PASSAGE, "gold": [{"start": 3, "text": "USD 42 million"}]}, "at 3 the passage has"),
        ({"passage": PASSAGE, "gold": "4 May"}, "does not have it"),
        ({"passage": PASSAGE, "gold": [{"start": 3, "text": " "}]}, "has no text"),
        ({"passage": PASSAGE, "gold": [{"start": "x", "text": "loan"}]}, "no whole number"),
        ({"passage": PASSAGE, "gold": [{"start": -1, "text": "loan"}]}, "not where it should be"),
        ({"passage": PASSAGE, "gold": {"text": ["a", "b"], "answer_start": [1]}}, "2 texts but 1 starts"),
        ({"passage": PASSAGE, "gold": None}, "null"),
    )
    forms = (None, {"none": "not stated"})

    @pytest.fixture
    def kind(self):
        return KIND

    def test_the_context_must_be_an_input(self):
        with pytest.raises(ValueError, match="say in which input"):
            Span().check_inputs(INPUTS)
        with pytest.raises(ValueError, match="Did you mean 'passage'"):
            Span(context="pasage").check_inputs(INPUTS)


def asked(passage=PASSAGE, target="[]", **params):
    return Example("1", {"passage": passage, "question": "?"}, target)


class TestReading:
    @pytest.mark.parametrize(
        ("text", "output", "lost", "mentioned"),
        [
            ("USD 42 million", [[12, "USD 42 million"]], 0, None),
            ('"usd 42 million."', [[12, "USD 42 million"]], 0, None),
            ("Answer: 3 May 2026", [[40, "3 May 2026"]], 0, None),
            ("None.", [], 0, None),
            ("2026. Acme", [[46, "2026.\r\nAcme"]], 0, None),
            ("4 June", [[-1, "4 June"]], 1, None),
            ('It says "3 May 2026" there', None, 0, [[40, "3 May 2026"]]),
            ("  ", None, 0, None),
        ],
    )
    def test_answers_are_found_in_the_passage(self, text, output, lost, mentioned):
        found = KIND.read(text, asked(), KIND.words(None, "here"))
        assert (json.loads(found.output or "null"), found.lost) == (output, lost)
        assert json.loads(found.mentioned or "null") == mentioned


def scores(kind, items):
    """F1 and exact match of (references, answer), as percentages."""
    examples = [
        Example(str(i), {"p": "x"}, json.dumps(sorted([0, g] for g in gold))) for i, (gold, _) in enumerate(items)
    ]
    said = [
        Prediction(str(i), text if text is None else json.dumps([[0, text]] if text else []))
        for i, (_, text) in enumerate(items)
    ]
    found = {}
    for name in ("span-f1", "exact-match", "answer-f1", "no-answer-accuracy"):
        metric = metrics.create(name, kind)
        found[name] = 100 * metric.score(metric.statistics(examples, said).sum(0))[0]
    return found


def test_the_official_rule_by_hand():
    items = [
        (["the Panthers"], "Panthers!"),  # articles and punctuation go: exact, F1 1
        (["Von Miller"], "linebacker Von Miller"),  # 2 shared of 3 said and 2: F1 = 2 * 2 / 5
        (["308", "308 yards"], "308 yards"),  # the best reference: exact
        (["136"], "none of it"),  # 0
        ([], ""),  # no answer, none said: 1
        ([], "Denver"),  # no answer, one said: 0
        (["Denver"], None),  # no answer at all from the model: 0
    ]
    found = scores(KIND, items)
    assert found["exact-match"] == pytest.approx(100 * 3 / 7)
    assert found["span-f1"] == pytest.approx(100 * (1 + 0.8 + 1 + 0 + 1 + 0 + 0) / 7)
    assert found["answer-f1"] == pytest.approx(100 * (1 + 0.8 + 1 + 0 + 0) / 5)
    assert found["no-answer-accuracy"] == pytest.approx(50)


@pytest.mark.parametrize(("language", "by"), [("en", "words"), ("de", "words"), ("zh", "characters")])
def test_xquad_with_planted_answers(language, by):
    """Of every four questions: the answer itself; with a word or character more in front; another's; none."""
    path = SHARED / f"xquad.{language}.json"
    if not path.exists():
        pytest.skip("../shared/data/xquad is not there")
    kind = Span(context="passage", by=by)
    read = json.loads(path.read_text(encoding="utf-8"))
    rows = [(p["context"], q) for d in read["data"] for p in d["paragraphs"] for q in p["qas"]]
    examples, said, expected = [], [], []
    for place, (passage, question) in enumerate(rows):
        gold = [{"start": a["answer_start"], "text": a["text"]} for a in question["answers"]]
        row = {"gold": gold}
        target = kind.target(row, "gold", {"passage": passage, "question": question["question"]}, f"row {place}")
        text, tokens = gold[0]["text"], len(kind.normalised(gold[0]["text"]))
        extra = "额" if by == "characters" else "zusätzlich"
        planted = (text, f"{extra} {text}", "qqq", "")[place % 4]
        # One token more: t shared of t + 1 said and t right ones.
        expected.append((1.0, 2 * tokens / (2 * tokens + 1), 0.0, 0.0)[place % 4])
        examples.append(Example(str(place), {}, target))
        said.append(Prediction(str(place), json.dumps([[0, planted]] if planted else [])))
    assert len(rows) == 1190
    f1, exact = (metrics.create(name, kind) for name in ("span-f1", "exact-match"))
    assert f1.statistics(examples, said)[:, 0].tolist() == pytest.approx(expected)
    assert exact.score(exact.statistics(examples, said).sum(0))[0] == pytest.approx(298 / 1190)


def test_the_nearest_sentence_and_none_where_nothing_is_near():
    def item(id_, question, target):
        return Example(
            id_, {"passage": "Acme hired Kim. The loan is due in May. Rent fell.", "question": question}, target
        )

    train = [
        item("a", "When is the loan due?", '[[35, "May"]]'),
        item("b", "Whom did Acme hire?", '[[11, "Kim"]]'),
        item("c", "zzzz qqqq", "[]"),
    ]
    made = Sentence(KIND).fit(train)
    found = {p.example_id: p.output for p in made.predict(train)}
    assert found == {"a": '[[16, "The loan is due in May."]]', "b": '[[0, "Acme hired Kim."]]', "c": "[]"}
    assert sentences("Mr. Lee left. He won! 他走了。然后呢？") == [
        (0, "Mr. Lee left."), (14, "He won!"), (22, "他走了。"), (26, "然后呢？"),
    ]  # fmt: skip
