"""Metrics against scikit-learn and published values; intervals against theirs."""

import math

import numpy as np
import pytest
from conftest import example
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference

from harness import metrics
from harness.stats import intervals, paired, power
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


def test_calibration_error_by_hand():
    # Guo et al. (2017), equation 3: two bins with gaps |0.9 - 0.5| and |0.6 - 1| over 2 and 1 of 3 items.
    rows = [tuple(np.log([p, (1 - p) / 2, (1 - p) / 2])) for p in (0.9, 0.9, 0.6)]
    assert value("ece", "aba", "aaa", rows)[0] == pytest.approx((2 * 0.4 + 0.4) / 3)


def test_unknown_is_not_zero():
    assert math.isnan(value("ece", "ab", "ab")[0])
    assert math.isnan(intervals.wilson(0, 0).low)


@pytest.mark.parametrize(
    # Newcombe (1998), Statistics in Medicine 17, table I, method 3 (score interval without continuity correction).
    ("hits", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_golden(hits, n, low, high):
    found = intervals.wilson(hits, n)
    assert (found.low, found.high) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


def test_mcnemar_golden():
    # 6 against 1 discordant items: 2 * (C(7,0) + C(7,1)) / 2^7.
    a, b = np.array([1.0] * 6 + [0] + [1] * 5), np.array([0.0] * 6 + [1] + [1] * 5)
    assert paired.mcnemar(a, b).p == pytest.approx(0.125)
    assert paired.mcnemar(a, a).p == 1


def test_bootstrap_covers_the_normal_interval():
    rng = np.random.default_rng(0)
    hits = (rng.random(400) < 0.7).astype(float)
    rows = np.stack([hits, np.ones(400)], axis=1)
    (found,) = intervals.bootstrap(rows, lambda t: t[..., :1] / t[..., 1:], np.random.default_rng(1))
    share = hits.mean()
    half = 1.96 * math.sqrt(share * (1 - share) / 400)
    assert found.value == share
    assert (found.low, found.high) == (pytest.approx(share - half, abs=0.006), pytest.approx(share + half, abs=0.006))


def test_paired_bootstrap_is_narrower_than_two_single_ones():
    rng = np.random.default_rng(0)
    a = (rng.random(300) < 0.6).astype(float)
    b = np.where(rng.random(300) < 0.95, a, 1 - a)
    rows = [np.stack([x, np.ones(300)], axis=1) for x in (a, b)]
    gap = paired.bootstrap(*rows, lambda t: t[..., :1] / t[..., 1:], np.random.default_rng(1))
    alone = intervals.wilson(a.sum(), 300)
    assert gap.value == pytest.approx(a.mean() - b.mean())
    assert gap.high - gap.low < 0.6 * (alone.high - alone.low)


def test_detectable_difference_is_found_with_the_power_it_names():
    n, discordance = 300, 0.3
    d = power.minimum_detectable(n, discordance)
    rng = np.random.default_rng(0)
    found = 0
    for _ in range(400):
        kind = rng.choice(3, size=n, p=[(discordance + d) / 2, (discordance - d) / 2, 1 - discordance])
        found += paired.mcnemar((kind == 0).astype(float), (kind == 1).astype(float)).p < 0.05
    assert 0.72 < found / 400 < 0.88
