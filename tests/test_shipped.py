"""The tasks that ship: their splits, and what could give an answer away."""

from collections import Counter
from itertools import combinations

import pytest

from harness import builtin
from harness.prompt.leak import Overlap
from harness.task import definition


@pytest.mark.parametrize("name", builtin.names("tasks"))
def test_shipped_splits_are_disjoint(name):
    made = definition.load(name)
    splits = {split: made.examples(split) for split in made.spec.splits}
    for one, pool in splits.items():
        overlap = Overlap(pool)
        for other, items in splits.items():
            for item in items:
                # Items of one document, such as two questions on one passage, are close by their nature.
                own = {
                    place
                    for place, each in enumerate(pool if one == other else ())
                    if each.id == item.id or (each.cluster is not None and each.cluster == item.cluster)
                }
                assert overlap.barred(item) <= own, f"{other} {item.id} is close to one of {one}"


@pytest.mark.parametrize("name", builtin.names("tasks"))
def test_the_place_of_a_shipped_item_does_not_tell_its_answer(name):
    made = definition.load(name)
    told = [[example.target for example in made.examples(split)] for split in made.spec.splits]
    for answers in told:
        for period in range(1, len(answers) // 2):
            again = [one == other for one, other in zip(answers, answers[period:], strict=False)]
            assert sum(again) < 0.7 * len(again), f"answers come again after {period} items"
    for one, other in combinations(told, 2):
        same = [left == right for left, right in zip(one, other, strict=False)]
        assert sum(same) < 0.7 * len(same), "two splits have their answers in one order"


def test_finsentiment_has_the_shape_its_card_says(finsentiment):
    shape = {split: finsentiment.examples(split) for split in ("train", "dev", "test")}
    assert {split: len(rows) for split, rows in shape.items()} == {"train": 300, "dev": 60, "test": 300}
    for rows in shape.values():
        labels = Counter(e.target for e in rows)
        assert labels["neutral"] > labels["positive"] > labels["negative"] > len(rows) / 5
        hard = Counter(e.tags["phenomenon"] for e in rows)
        assert set(hard) == {
            "plain",
            "narrowed-loss",
            "falling-cost",
            "against-expectations",
            "opposite-fortunes",
            "guidance-vs-results",
            "pleasant-fact",
        }
        assert min(hard.values()) >= len(rows) // 15
        assert {e.target for e in rows if e.tags["phenomenon"] == "pleasant-fact"} == {"neutral"}
        for kind in set(hard) - {"plain", "pleasant-fact"}:
            assert {e.target for e in rows if e.tags["phenomenon"] == kind} == {"positive", "negative"}
