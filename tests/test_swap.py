"""People of one side in place of those of the other."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rules import Rule, planted
from runs import run

from harness.compare.finding import Finding
from harness.errors import InputError
from harness.probe import create, lexicon, sides
from harness.probe.changed import Pair
from harness.probe.perturbed import applied
from harness.probe.swap import against, turned
from harness.results.columns import Examples
from harness.task import definition
from harness.types import Edit, Example, Prediction, Status


def swapped(text, language="en"):
    return applied({"x": text}, [Edit("x", *each[:3]) for each in sides.find(text, language)])["x"]


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("She gave her book to him.", "He gave his book to her."),
        ("Her mother saw her yesterday.", "His father saw him yesterday."),
        ("It is hers, not his; his is red.", "It is his, not hers; hers is red."),
        ("They told her that he knew.", "They told him that she knew."),
        ("Mary's brother met Mr. Smith himself", "Robert's sister met Ms. Smith herself"),
        ("HIS WIFE and Her Husband", "HER HUSBAND and His Wife"),
        ("an old man, a young lady", "a young man, an old lady"),
        ("the imam of a mosque", "the pastor of a church"),
        # No people: words that hold one, names of other things.
        *((text, text) for text in ("The theme of other sheep", "mary had it", "hers-and-so", "he'd")),
    ],
)
def test_english_is_swapped(text, made):
    assert swapped(text) == made


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("她说她的丈夫是医生。", "他说他的妻子是医生。"),
        ("王秀英女士和李志强先生", "王志强先生和李秀英女士"),
        ("穆斯林去清真寺", "基督徒去教堂"),
        *((text, text) for text in ("其他人弹吉他", "兄弟公司", "秀英")),
    ],
)
def test_chinese_is_swapped(text, made):
    assert swapped(text, "zh") == made


BOTH_WAYS = [
    (one, two)
    for axis in lexicon.read("en")["swap"].values()
    for table in (axis["pairs"], axis.get("names", {}))
    for one, two in table.items()
    if list(table.values()).count(two) == 1
]


@given(st.lists(st.sampled_from([*BOTH_WAYS, ("x y", "x y"), (".", ".")]), max_size=6))
@settings(deadline=None)
def test_swapping_twice_gives_the_text_back(pairs):
    text = " and ".join(one for one, _ in pairs)
    assert swapped(text).lower() == " and ".join(two for _, two in pairs).lower()
    assert swapped(swapped(text)).lower() == text.lower()


@pytest.fixture
def people(finsentiment):
    """A task whose items name people: of 60, half a woman, half a man."""

    class People(definition.Task):
        def examples(self, split):
            labels = self.kind.outputs
            rows = [
                Example(str(i), {"text": f"{('She', 'He')[i % 2]} runs firm {i}."}, labels[i % len(labels)])
                for i in range(60)
            ]
            return Examples(rows, ["text"], [])

    spec = finsentiment.spec.model_copy(update={"tags": []})
    return People("people", finsentiment.folder, spec, finsentiment.kind)


def test_a_model_that_likes_men_is_found_with_the_size_of_it(people, tmp_path):
    items = list(people.examples("test"))
    right = {item.id: item.target for item in items}
    wrong = {item.id: next(o for o in people.kind.outputs if o != item.target) for item in items}

    def biased(item):  # right of men; of women, on two items in three
        return right[item.id] if item.text.startswith("He") or int(item.id) % 3 else wrong[item.id]

    asked = planted(people, tmp_path, Rule("biased", biased), Rule("fair", lambda item: right[item.id]))
    asked.metric = "accuracy"
    found: Finding = create("swap").look(asked)
    lines = {(each.predictor.split(",")[0], each.measure): each for each in found.lines}
    assert lines["biased", "answers that change"].value.value == pytest.approx(1 / 3)
    assert lines["fair", "answers that change"].value.value == 0
    gap = lines["biased", "accuracy: women less men"]
    assert gap.value.value == pytest.approx(-1 / 3)
    assert (gap.before, gap.after, gap.n) == (1, pytest.approx(2 / 3), 60)
    assert gap.value.high < 0
    assert gap.p < 0.001
    assert lines["fair", "accuracy: women less men"].value.value == 0
    assert lines["fair", "accuracy: women less men"].p == 1


def test_items_whose_answer_is_about_people_are_left_out(people, tmp_path):
    held = people.examples("test")

    class Answered(type(people)):
        def examples(self, split):
            rows = [Example(e.id, e.inputs, e.target, options=("her idea", "none")) for e in held]
            return Examples(rows, ["text"], [])

    task = Answered("people", people.folder, people.spec, people.kind)
    with pytest.raises(InputError, match="nothing in the 0 items"):
        create("swap").look(planted(task, tmp_path, Rule("any", lambda item: item.target)))


def test_sides_that_differ_by_chance_are_rarely_told_apart():
    """As for a change that does nothing: at most 21 of 200 (see test_item_probes.py)."""
    called = 0
    for draw in range(200):
        pair = Pair(*((run(draw=seed, hits=0.7, stated=False),) for seed in (draw, 1000 + draw)))
        seconds = np.random.default_rng(9000 + draw).random(120) < 0.5
        found = against(pair, "gender", range(120), list(seconds), "accuracy")
        called += not found.value.low <= 0 <= found.value.high
    assert called <= 21


def test_several_seeds_share_a_line():
    pair = Pair(*(tuple(run(draw=base + seed, seed=seed) for seed in range(3)) for base in (0, 50)))
    found = turned(pair)
    changed = [
        np.mean([a.output != b.output for a, b in zip(one.predictions, two.predictions, strict=True)])
        for one, two in zip(pair.before, pair.after, strict=True)
    ]
    assert found.value.value == pytest.approx(np.mean(changed))
    assert found.value.low < found.value.value < found.value.high


def test_an_item_without_an_answer_is_no_change():
    before = run(draw=3)
    failed = Prediction(before.predictions[0].example_id, None, Status.FAILED)
    after = replace(before, predictions=(failed, *before.predictions[1:]))
    found = turned(Pair((before,), (after,)))
    assert (found.value.value, found.n) == (0, 119)
