"""The gate for a changed template: its rule."""

import math
from dataclasses import replace

import pytest
import runs
from hypothesis import given
from hypothesis import strategies as st

from harness import api
from harness.errors import InputError
from harness.gate import verdict
from harness.gate.verdict import Decision
from harness.kinds.classification import Classification
from harness.results.store import Run
from harness.stats.intervals import Estimate
from harness.types import Example, Prediction, Signature, Status

LABELS = ("a", "b")
KIND = Classification(labels=list(LABELS))


def run_of(outputs, targets=None, tags=None, clusters=None):
    """A run from its answers; the item's label is ``a`` unless said; None is an answer that could not be parsed."""
    targets = targets or ["a"] * len(outputs)
    examples = tuple(
        Example(f"i{i}", {}, target, clusters[i] if clusters else None, {"kind": tags[i]} if tags else {})
        for i, target in enumerate(targets)
    )
    predictions = tuple(
        Prediction(e.id, said, Status.OK if said else Status.UNPARSED)
        for e, said in zip(examples, outputs, strict=True)
    )
    spec = {"predictor": "prompt", "seed": 0, "train_size": None}
    counts = {"unparsed": sum(said is None for said in outputs)}
    return Run("r", "t", spec, Signature(()), "h", KIND, predictions, examples, {}, {}, counts, {})


@pytest.mark.parametrize(
    ("value", "low", "high", "expected"),
    [
        (0.00, -0.01, 0.01, Decision.PASS),
        (0.05, 0.02, 0.08, Decision.PASS),
        (-0.010, -0.019, -0.001, Decision.PASS),  # surely a little worse, surely within the margin
        (0.00, -0.02, 0.02, Decision.UNDECIDED),  # the bound must lie above the margin, not at it
        (0.10, -0.05, 0.25, Decision.UNDECIDED),  # never a pass for looking good
        (-0.01, -0.05, 0.03, Decision.UNDECIDED),  # not significant is not a pass
        (-0.03, -0.08, 0.02, Decision.REGRESSION),  # the estimate itself is beyond the margin
        (-0.015, -0.029, -0.001, Decision.REGRESSION),  # surely worse, and not surely within the margin
        (math.nan, math.nan, math.nan, Decision.UNDECIDED),  # unknown is not a pass
    ],
)
def test_the_rule(value, low, high, expected):
    assert verdict.decide(Estimate(value, low, high), 0.02) is expected


@given(st.floats(-1, 1), st.floats(0, 1), st.floats(0, 1), st.floats(0.001, 0.5))
def test_passes_if_and_only_if_the_bound_lies_within_the_margin(value, below, above, margin):
    estimate = Estimate(value, value - below, value + above)
    assert (verdict.decide(estimate, margin) is Decision.PASS) == (estimate.low > -margin)


class TestJudge:
    def test_flips_slices_and_bounds(self):
        old = run_of(["a"] * 90 + ["b"] * 10, tags=["x"] * 50 + ["y"] * 50)
        new = run_of(["b"] * 12 + ["a"] * 80 + ["b"] * 8, tags=["x"] * 50 + ["y"] * 50)
        found = verdict.judge([new], [old], "accuracy", 0.05)
        assert [flip.id for flip in found.worse] == [f"i{i}" for i in range(12)]
        assert [flip.id for flip in found.better] == ["i90", "i91"]
        assert (found.worse[0].old, found.worse[0].new, found.worse[0].target) == ("a", "b", "a")
        slices = {each.name: each for each in found.slices}
        assert slices["kind: x"].new - slices["kind: x"].old == pytest.approx(-0.24)
        # Exact McNemar: 12 against 0 in kind x; Holm over three slices (label a: 12 against 2).
        assert slices["kind: x"].adjusted == pytest.approx(3 * 2 * 0.5**12)
        assert slices["kind: y"].adjusted == pytest.approx(0.5)
        assert found.decision is Decision.REGRESSION
        assert found.findings[0].difference.value == pytest.approx(-0.10)

    def test_items_are_paired_by_id_not_by_place(self):
        old = run_of(["a", "b"] * 40, ["a", "b"] * 40)
        mixed = replace(old, predictions=old.predictions[::-1], examples=old.examples[::-1])
        found = verdict.judge([mixed], [old], "accuracy", 0.05)
        assert not found.worse
        assert not found.better

    def test_undecided_says_how_many_items_it_would_take(self):
        old = run_of(["a"] * 60 + ["b"] * 20)
        new = run_of(["b"] * 4 + ["a"] * 60 + ["b"] * 16)
        found = verdict.judge([new], [old], "accuracy", 0.05)
        assert found.decision is Decision.UNDECIDED
        assert found.needed > 80
        again = verdict.judge([new], [old], "accuracy", 0.06)
        assert again.needed is None or again.needed < found.needed

    def test_identical_prompts_with_identical_answers_pass_however_few(self):
        run = run_of(["a"] * 6)
        assert verdict.judge([run], [run], "accuracy", 0.01).decision is Decision.UNDECIDED
        assert verdict.judge([run], [run], "accuracy", 0.01, identical=True).decision is Decision.PASS
        other = run_of(["a"] * 3 + ["b"] * 3)  # the same prompts, but other answers: judged as any other
        assert verdict.judge([other], [run], "accuracy", 0.01, identical=True).decision is Decision.REGRESSION

    def test_parse_failures_are_a_gate_of_their_own(self):
        old = run_of(["a"] * 150 + ["b"] * 150)
        new = run_of(["a"] * 150 + [None] * 100 + ["b"] * 50)
        found = verdict.judge([new], [old], "accuracy", 0.05)
        metric, parse = found.findings
        assert metric.decision is Decision.PASS  # what fails to parse was wrong before
        assert parse.decision is Decision.REGRESSION
        assert found.decision is Decision.REGRESSION
        fewer = verdict.judge([old], [new], "accuracy", 0.05)
        assert fewer.findings[1].decision is Decision.PASS

    def test_seeds_are_a_second_level(self):
        good, bad = run_of(["a"] * 200), run_of(["a"] * 170 + ["b"] * 30)
        pair = verdict.judge([good, bad], [good, good], "accuracy", 0.02).findings[0].difference
        alone = verdict.judge([bad], [good], "accuracy", 0.02).findings[0].difference
        assert pair.value == pytest.approx(alone.value / 2)
        assert pair.high - pair.low > alone.high - alone.low  # one draw in two is bad: that is what is uncertain

    @pytest.mark.parametrize("margin", [0.0, -0.1, 1.0, math.nan])
    def test_a_margin_that_nothing_can_meet(self, margin):
        run = run_of(["a"] * 20)
        with pytest.raises(InputError, match=r"20 items accuracy can pass at margins above 0\.119"):
            verdict.judge([run], [run], "accuracy", margin)


class TestSequential:
    def test_certain_answers_stop_and_others_go_on(self):
        same = run_of(["a"] * 400)
        assert verdict.judge_sequentially(same, same, "accuracy", 0.05, last=False).decision is Decision.PASS
        few = run_of(["a"] * 20)
        assert verdict.judge_sequentially(few, few, "accuracy", 0.05, last=False).decision is Decision.UNDECIDED
        bad = run_of(["b"] * 40 + ["a"] * 20)
        good = run_of(["a"] * 60)
        assert verdict.judge_sequentially(bad, good, "accuracy", 0.05, last=False).decision is Decision.REGRESSION

    def test_before_the_end_an_estimate_alone_decides_nothing(self):
        old, new = run_of(["a"] * 20), run_of(["a"] * 18 + ["b"] * 2)
        assert verdict.judge_sequentially(new, old, "accuracy", 0.05, last=False).decision is Decision.UNDECIDED
        assert verdict.judge_sequentially(new, old, "accuracy", 0.05, last=True).decision is Decision.REGRESSION

    def test_undecided_at_the_end_says_how_many(self):
        old, new = run_of(["a"] * 60), run_of(["a"] * 59 + ["b"])
        found = verdict.judge_sequentially(new, old, "accuracy", 0.05, last=True)
        assert found.decision is Decision.UNDECIDED
        assert found.needed > 60


def test_items_of_one_document_leave_it_open():
    """One document says nothing of others: neither a verdict, nor how many items it takes."""
    old, one = ["a"] * 100, ["d"] * 100
    found = verdict.judge([run_of(["b", *old[1:]], clusters=one)], [run_of(old, clusters=one)], "accuracy", 0.02)
    assert found.decision is Decision.UNDECIDED
    assert found.needed is None


def test_items_in_documents_that_answer_alike_need_more_of_them():
    """20 documents of 5 items: what differs, differs in a whole document."""
    old = ["a"] * 100
    new = ["b"] * 5 + ["a"] * 95
    old[5:10] = ["b"] * 5
    documents = [f"d{i // 5}" for i in range(100)]
    alone = verdict.judge([run_of(new)], [run_of(old)], "accuracy", 0.05)
    whole = verdict.judge([run_of(new, clusters=documents)], [run_of(old, clusters=documents)], "accuracy", 0.05)
    assert alone.decision is whole.decision is Decision.UNDECIDED
    assert whole.needed > 2 * alone.needed


class TestFromPython:
    def test_it_decides_as_the_gate_does(self):
        old, new = (
            runs.run(hits=hits, n=300, draw=draw, template=name) for hits, draw, name in ((0.9, 0, "p"), (0.6, 1, "q"))
        )
        found = api.check(new, old, margin=0.05)
        assert found == verdict.judge([new], [old], new.spec["main_metric"], 0.05)
        assert found.decision is Decision.REGRESSION
        assert api.check(old, new, margin=0.05).decision is Decision.PASS
        assert api.check(new, old, margin=0.05, metric="accuracy").findings[0].name == "accuracy"

    def test_other_items_are_refused(self):
        with pytest.raises(InputError, match="items"):
            api.check(runs.run(n=100), runs.run(n=120))
