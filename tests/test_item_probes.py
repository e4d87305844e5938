"""What probes do to items: golden examples, and what must hold for any text."""

import json
import re
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rules import Rule, planted
from runs import run

from harness import builtin, kinds
from harness.chance import rng
from harness.compare.finding import BEYOND, Finding
from harness.errors import InputError
from harness.probe import PROBES, create, lexicon
from harness.probe.changed import Changed, line
from harness.probe.perturbed import applied, perturbed
from harness.task import definition
from harness.types import Edit, Example

ITEMS = [name for name in PROBES if issubclass(PROBES.find(name), Changed)]
TASKS = builtin.names("tasks")
WORDS = (
    *("She said that 12 companies don't pay 5% of it, because her father's \"firm\" is big.", "It is not 1,200."),
    *(
        "他说：公司因为亏损5.5%，已经关闭3家工厂…",
        "女士们",
        "百分之十五",
        "1.5亿元",
        "李志强的母亲",
        "naïve café – “so”",
    ),
    *("\n", "|", "\t", "e\u0301", "ＡＢ", " ", "\u00a0", "...", "$12000", "two thirds", "two shops"),
    *("ſaid ſhe", "ﬁrst hıs", "ſeven shops", "İt ıs not", "as\u212aed", "٣ shops", "ǅ’s", "\x00", "😀"),
)
TEXTS = st.lists(st.one_of(st.sampled_from(WORDS), st.text(max_size=12)), max_size=8).map("".join)


def said(name, text, language="en", key=0):
    """``text`` after a probe's change."""
    edits = create(name).change(text, rng(name, key), language)
    return applied({"x": text}, [Edit("x", *edit) for edit in edits])["x"]


@pytest.mark.parametrize(
    ("name", "language", "text", "made"),
    [
        ("numbers", "en", "It sold 1,200 of them for $12000.", "It sold 1200 of them for $12,000."),
        ("numbers", "en", "sales in three shops and 7 stores", "sales in 3 shops and seven stores"),
        ("numbers", "en", "up 5 percent, or 4 per cent", "up 5%, or 4%"),
        # Fractions, dates, places in a row, versions, names and other numbers' parts stay.
        *(
            ("numbers", "en", text, text)
            for text in (
                "two thirds of May 5 sales, no two alike",
                "on page 3 below, at 10:30, on 2020-05-04",
                "the A320 and the 3-day 1.5 loan",
                "five hundred",
            )
        ),
        ("numbers", "zh", "利润增长5.5%，关闭3家和两个", "利润增长百分之五点五，关闭三家和2个"),
        ("numbers", "zh", "营收1.5亿元，占百分之二十", "营收15000万元，占20%"),
        *(("numbers", "zh", text, text) for text in ("第三家", "两三家", "十几个", "星期三个", "百分之十多", "-5%")),
        ("paraphrase", "en", "They do not pay", "They don't pay"),
        ("paraphrase", "en", "They aren’t big", "They are not large"),
        ("paraphrase", "en", "DON'T pay", "DO NOT pay"),
        ("paraphrase", "en", "Don't go.", "Do not go."),
        ("paraphrase", "en", "I am here", "I'm here"),
        # A verb before its subject, the end of a clause, an article, a name, a phrase in which the word is another.
        *(
            ("paraphrase", "en", text, text)
            for text in ("Isn't it here?", "so I am.", "a huge loss", "the Rhine Company", "once upon a time")
        ),
        ("paraphrase", "zh", "因为亏损", "由于亏损"),
        *(("paraphrase", "zh", text, text) for text in ("非常规手段", "已经营十年", "之所以如此")),
    ],
)
def test_texts_become_what_they_should(name, language, text, made):
    assert said(name, text, language) == made


@pytest.mark.parametrize("key", range(12))
def test_a_clause_stands_in_front_or_behind_and_nothing_else_changes(key):
    for language, text in (
        ("en", "Profit fell again at the firm"),
        ("en", "Why did profit fall?"),
        ("zh", "公司利润继续下滑"),
    ):
        made = said("negation", text, language, key)
        assert text in made
        rest = made.replace(text, "").strip(" ,.，。")
        clauses = lexicon.read(language)["negations"]
        assert rest.removeprefix("and ").lower() in clauses or rest.removeprefix("and ") in clauses
    for untouched in ("Loan", "a | b | c | d | e", "1 2 3"):
        assert said("negation", untouched, "en", key) == untouched
    assert said("negation", "one two three four\nfive six", "en", key).startswith("one two three four\nfive six")


@pytest.mark.parametrize("key", range(12))
def test_characters_of_another_kind_are_the_same_text(key):
    for language, text in (
        ("en", 'He said: "it\'s 5-6 cafés - or more..."'),
        ("zh", "他说：“利润（2023）增长5%”，不错！"),
    ):
        made = said("unicode", text, language, key)
        assert made != text
        plain = made.translate(str.maketrans("“”‘’–—…", "\"\"''--\0")).replace("\0", "...")
        was = text.translate(str.maketrans("“”‘’–—…", "\"\"''--\0")).replace("\0", "...")
        assert unicodedata.normalize("NFKC", plain) == unicodedata.normalize("NFKC", was)


def test_a_misspelling_keeps_first_and_last_letters_and_what_is_no_letter():
    for key in range(60):
        for word in ("shouldn't", "Привет", "profits", "balloon"):
            made = said("typos", word, "en", key)
            assert (made[0], made[-1]) == (word[0], word[-1])
            assert made != word
            assert re.fullmatch(r"[^\W\d_'’]+(?:'t)?", made)
        assert not re.search("[a-z]", said("typos", "Привет", "ru", key))
    assert said("typos", "公司的SHIBOR", "zh") in ("工司的SHIBOR", "公司地SHIBOR", "公司得SHIBOR", "公司的SHIBOR")


@pytest.mark.parametrize("name", ITEMS)
@given(text=TEXTS, language=st.sampled_from(["en", "zh", "en, zh", "de"]), key=st.integers(0, 9))
@settings(max_examples=120, deadline=None)
def test_edits_are_in_order_and_apart_and_the_same_each_time(name, text, language, key):
    probe = create(name)
    edits = list(probe.change(text, rng(name, key), language))
    assert edits == list(create(name).change(text, rng(name, key), language))
    place = 0
    for start, end, _ in edits:
        assert place <= start <= end <= len(text)
        place = end


@pytest.mark.parametrize("name", ITEMS)
@given(text=TEXTS, marks=st.lists(st.tuples(st.integers(0, 60), st.integers(1, 12)), max_size=3), key=st.integers(0, 5))
@settings(max_examples=80, deadline=None)
def test_what_the_right_answer_stands_on_stays(name, text, marks, key):
    spans = sorted({(start, min(start + size, len(text))) for start, size in marks if start < len(text)})
    apart = [span for place, span in enumerate(spans) if not place or span[0] >= max(s[1] for s in spans[:place])]
    apart = [span for span in apart if text[slice(*span)].strip() == text[slice(*span)] != ""]
    for task, target in (
        (definition.load("fin-ner"), json.dumps([[start, end, "ORG"] for start, end in apart])),
        (definition.load("filing-span"), json.dumps([[start, text[start:end]] for start, end in apart])),
    ):
        if not apart:
            return
        inputs = {field: text if place == 0 else "Who?" for place, field in enumerate(task.spec.inputs)}
        item = Example("1", inputs, target)
        for changed in perturbed(task, "test", name, [item], _change(name), key).changed:
            found = json.loads(changed.target)
            own = next(iter(changed.inputs.values()))
            held = [
                own[each[0] : each[1]] if isinstance(each[1], int) else own[each[0] :][: len(each[1])] for each in found
            ]
            assert sorted(held) == sorted(text[start:end] for start, end in apart)


def _change(name):
    probe = create(name)
    return lambda text, draw: probe.change(text, draw, "en, zh")


@pytest.mark.parametrize("name", ITEMS)
@pytest.mark.parametrize("chosen", TASKS)
def test_changed_items_of_every_task_keep_answers_that_are_read_back(name, chosen):
    task = definition.load(chosen)
    items = task.examples("test")
    made = perturbed(task, "test", name, items, _change(name), 0)
    words = task.kind.words(None, "here")
    was = {item.id: item for item in items}
    for item in made.changed:
        assert item.inputs != was[item.id].inputs
        assert task.kind.right(item, task.kind.read(task.kind.shown(item, words), item, words).output) == 1


@pytest.mark.parametrize("name", ITEMS)
def test_a_change_does_not_depend_on_other_items_nor_on_their_order(name, finsentiment):
    items = list(finsentiment.examples("test"))[:80]
    whole = perturbed(finsentiment, "test", name, items, _change(name), 0)
    found = {item.id: item for item in whole.changed}
    part = perturbed(finsentiment, "test", name, items[40:10:-3], _change(name), 0)
    assert all(found[item.id] == item for item in part.changed)
    assert {item.id for item in part.changed} == {item.id for item in items[40:10:-3]} & found.keys()
    assert sum(map(len, whole.edits)) >= len(whole.changed)
    if name in ("typos", "case", "unicode"):
        other = perturbed(finsentiment, "test", name, items, _change(name), 1)
        assert [item.inputs for item in other.changed] != [item.inputs for item in whole.changed]


def test_what_one_input_quotes_of_another_stays():
    task = definition.load("fin-relations")
    for name in ITEMS:
        for item in perturbed(task, "test", name, task.examples("test"), _change(name), 0).changed:
            was = next(each for each in task.examples("test") if each.id == item.id)
            assert (item.inputs["e1"], item.inputs["e2"]) == (was.inputs["e1"], was.inputs["e2"])
            for mark in ("e1", "e2"):
                if was.inputs[mark] in was.inputs["text"]:
                    assert item.inputs[mark] in item.inputs["text"]


def test_answers_that_retell_the_text_are_not_asked_with_a_clause_more(tmp_path):
    for chosen in TASKS:
        task = definition.load(chosen)
        if task.kind.retold:
            with pytest.raises(InputError, match="retells its text"):
                create("negation").look(planted(task, tmp_path, Rule("none", lambda item: None)))
    assert kinds.find("text").retold


@pytest.mark.parametrize("language", lexicon.LANGUAGES)
def test_lists_hold_nothing_twice_and_nothing_that_becomes_itself(language):
    lists = lexicon.read(language)
    assert all(str(one).lower() != str(two).lower() for one, two in lists["synonyms"].items())
    held = [word.lower() for axis in lists["swap"].values() for word in axis["pairs"]]
    others = [word.lower() for axis in lists["swap"].values() for word in set(axis["pairs"].values())]
    assert len(held) == len(set(held))
    assert not set(held) & set(others)
    assert not any(re.search(r"\d", clause) for clause in lists["negations"])
    assert len(set(lists["negations"])) == 12
    names = lists["swap"]["gender"]["names"]
    assert len(set(names.values())) == len(names)
    assert not set(names) & set(names.values())


ANYTHING = [name for name in ITEMS if name != "swap"]


@pytest.mark.parametrize("name", ANYTHING)
def test_a_loss_is_found_with_its_size_and_a_model_that_reads_past_it_passes(name, finsentiment, tmp_path):
    items = list(finsentiment.examples("test"))
    whole = {item.text: item.target for item in items}
    wrong = {item.target: next(label for label in finsentiment.kind.outputs if label != item.target) for item in items}
    by_id = {item.id: item.target for item in items}

    def strict(item):  # knows the items as they are; of others two in five, and guesses wrongly
        return whole.get(item.text) or (by_id[item.id] if int(item.id[-3:]) % 5 < 2 else wrong[by_id[item.id]])

    asked = planted(finsentiment, tmp_path, Rule("strict", strict), Rule("deaf", lambda item: by_id[item.id]))
    asked.metric = "accuracy"
    found: Finding = create(name).look(asked)
    one, two, beyond = found.lines
    changed = perturbed(finsentiment, "test", name, items, _change_in(name), 0).changed
    kept = sum(int(item.id[-3:]) % 5 < 2 for item in changed)
    assert one.n == two.n == len(changed)
    assert one.value.value == pytest.approx(kept / len(changed) - 1)
    assert (one.lost, one.won) == (len(changed) - kept, 0)
    assert one.value.high < 0
    assert one.p < 0.001
    assert (two.value.value, two.lost, two.won, two.p) == (0, 0, 0, 1)
    # The first of two that are as good before the change is the best one.
    assert (beyond.predictor, beyond.measure) == (two.predictor, f"{BEYOND} {one.predictor}")
    assert beyond.value.value == pytest.approx(-one.value.value)
    assert len(found.flips) == one.lost
    assert f"{len(changed):,} of {len(items):,} items changed" in found.notes[0]


def _change_in(name):
    probe = create(name)
    return lambda text, draw: probe.change(text, draw, "en")


def test_a_change_that_does_nothing_is_rarely_called_one():
    """The interval is of 95 %: of 200 models whose answers change at random, and lose nothing, at most so many are
    called losers as 1 in 1,000 such tests would show at 5 % (the binomial's quantile, 21)."""
    called = 0
    for draw in range(200):
        before, after = (run(draw=seed, hits=0.7, stated=False) for seed in (draw, 1000 + draw))
        found = line((before,), (after,), "accuracy")
        called += not found.value.low <= 0 <= found.value.high
    assert called <= 21
