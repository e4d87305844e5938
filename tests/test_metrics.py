"""Metrics against scikit-learn and published values."""

import math

import numpy as np
import pytest
from conftest import example
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference

from harness import metrics
from harness.types import Prediction, Status

LABELS = ("a", "b", "c")
answers = st.lists(st.tuples(st.sampled_from(LABELS), st.sampled_from((*LABELS, None))), min_size=1, max_size=40)


def value(name, truth, said, logprobs=None):
    examples = [example(i, "x", label) for i, label in enumerate(truth)]
    rows = logprobs or [None] * len(truth)
    predictions = [
        Prediction(str(i), label, Status.OK if label else Status.UNPARSED, row)
        for i, (label, row) in enumerate(zip(said, rows, strict=True))
    ]
    metric = metrics.create(name, LABELS)
    return metric.score(metric.statistics(examples, predictions).sum(0))


@settings(max_examples=150, deadline=None)
@given(answers)
@pytest.mark.filterwarnings("ignore")  # scikit-learn warns of labels without items
def test_agree_with_scikit_learn(pairs):
    truth, said = [t for t, _ in pairs], [s or "none" for _, s in pairs]
    given_answers = [s for _, s in pairs]
    assert value("accuracy", truth, given_answers)[0] == pytest.approx(reference.accuracy_score(truth, said))
    each = reference.f1_score(truth, said, labels=LABELS, average=None, zero_division=math.nan)
    np.testing.assert_allclose(value("class-f1", truth, given_answers), each, atol=1e-12)
    assert value("macro-f1", truth, given_answers)[0] == pytest.approx(
        np.nanmean(each) if np.isfinite(each).any() else math.nan, nan_ok=True
    )
    assert value("mcc", truth, given_answers)[0] == pytest.approx(reference.matthews_corrcoef(truth, said), abs=1e-9)


@given(answers, st.randoms())
def test_order_of_items_does_not_matter(pairs, random):
    shuffled = list(pairs)
    random.shuffle(shuffled)
    for name in metrics.METRICS:
        one = value(name, *zip(*pairs, strict=True))
        two = value(name, *zip(*shuffled, strict=True))
        np.testing.assert_allclose(one, two)


def test_parse_failures_are_a_rate_of_their_own():
    assert value("parse-failure-rate", "abc", ("a", None, "b"))[0] == pytest.approx(1 / 3)


def test_a_text_that_mentions_the_label_is_right_leniently_only():
    examples = [example(i, "x", label) for i, label in enumerate("abc")]
    said = [Prediction("0", "a"), *(Prediction(i, None, Status.UNPARSED, mentioned="b") for i in "12")]
    strict, lenient = (
        metric.score(metric.statistics(examples, said).sum(0))[0]
        for metric in (metrics.create(name, LABELS) for name in ("accuracy", "lenient-accuracy"))
    )
    assert (strict, lenient) == (pytest.approx(1 / 3), pytest.approx(2 / 3))


def test_calibration_error_by_hand():
    # Guo et al. (2017), equation 3: two bins with gaps |0.9 - 0.5| and |0.6 - 1| over 2 and 1 of 3 items.
    rows = [tuple(np.log([p, (1 - p) / 2, (1 - p) / 2])) for p in (0.9, 0.9, 0.6)]
    assert value("ece", "aba", "aaa", rows)[0] == pytest.approx((2 * 0.4 + 0.4) / 3)


def test_brier_score_by_hand():
    # 0.3^2 + 0.2^2 + 0.1^2 = 0.14; certain and right 0; certain and wrong 1 + 1 = 2; uniform 4/9 + 1/9 + 1/9 = 2/3.
    certain = (0.0, -700.0, -700.0)
    rows = [tuple(np.log([0.7, 0.2, 0.1])), certain, certain, tuple(np.log([1 / 3] * 3))]
    for truth, row, expected in zip("aaba", rows, (0.14, 0, 2, 2 / 3), strict=True):
        assert value("brier", truth, "a", [row])[0] == pytest.approx(expected)
    assert value("brier", "aaba", "aaaa", rows)[0] == pytest.approx((0.14 + 2 + 2 / 3) / 4)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(LABELS), *[st.floats(-20, 0)] * 3), min_size=1, max_size=20))
def test_brier_score_is_scikit_learns(items):
    truth, levels = [item[0] for item in items], np.array([item[1:] for item in items])
    rows = levels - np.log(np.exp(levels).sum(axis=1, keepdims=True))
    stated = value("brier", truth, [LABELS[row.argmax()] for row in rows], [tuple(row) for row in rows])[0]
    each = [
        reference.brier_score_loss([t == label for t in truth], np.exp(rows[:, i]), pos_label=True)
        for i, label in enumerate(LABELS)
    ]
    assert stated == pytest.approx(sum(each))


@pytest.mark.parametrize("name", ["ece", "brier"])
def test_items_without_probabilities_are_left_out(name):
    row = tuple(np.log([0.6, 0.3, 0.1]))
    assert value(name, "abc", "abc", [row, None, None])[0] == pytest.approx(value(name, "a", "a", [row])[0])


@pytest.mark.parametrize("name", ["ece", "brier"])
def test_unknown_is_not_zero(name):
    assert math.isnan(value(name, "ab", "ab")[0])


@pytest.mark.parametrize("name", metrics.METRICS)
def test_extremes_are_the_best_and_the_worst_answer(name):
    examples = [example(i, "x", label) for i, label in enumerate("aab")]
    predictions = [Prediction(str(i), label) for i, label in enumerate("abb")]
    metric = metrics.create(name, LABELS)
    totals = metric.statistics(examples, predictions).sum(0)
    rows = metric.extremes(totals)
    if rows is None:
        assert name in ("ece", "brier")  # a stated probability is neither right nor wrong
        return
    better, worse = (metric.score(totals + 5 * row) for row in rows)
    if name == "parse-failure-rate":  # the one where less is better
        better, worse = -better, -worse
    known = ~np.isnan(metric.score(totals))
    assert (better[known] > worse[known]).all()
