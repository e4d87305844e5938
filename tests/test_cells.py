"""Many paired differences at once are those of one at a time."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.compare import estimate
from harness.kinds.classification import Classification
from harness.kinds.entities import Entities
from harness.metrics import create
from harness.stats import cells, means, paired
from harness.stats.resample import by_cluster

COUNTS = st.integers(0, 60)


@given(st.lists(st.tuples(COUNTS, COUNTS, COUNTS), min_size=1, max_size=8))
@settings(max_examples=60, deadline=None)
def test_shares_are_as_one_at_a_time(drawn):
    b, c, n = (np.array(each, float) for each in zip(*((b, c, b + c + rest) for b, c, rest in drawn), strict=True))
    found = cells.proportions(b, c, n)
    for place, (one, other, rest) in enumerate(drawn):
        whole = one + other + rest
        alone = paired.proportions(one, other, whole)
        got = [each[place] for each in found[:3]]
        assert got == pytest.approx([alone.value, alone.low, alone.high], abs=1e-8, nan_ok=True)
        if whole:
            assert found.p[place] == pytest.approx(paired.Discordance(one, other, whole).p, rel=1e-9)
        else:
            assert math.isnan(found.p[place])


@pytest.mark.parametrize("seed", range(6))
def test_clusters_are_as_one_at_a_time(seed):
    draws = np.random.default_rng(seed)
    n = 90
    clusters = list(draws.integers(0, 12, n))
    a, b = (draws.random(n) < share for share in (0.8, 0.6 + 0.03 * seed))
    a, b = a.astype(float), b.astype(float)
    gaps = a - b
    sums, moved = by_cluster([(gaps - gaps.mean())[:, None], np.abs(gaps)[:, None]], clusters)
    counts = paired.discordance(a, b)
    found = cells.clustered(
        *(
            np.array([each], float)
            for each in (
                counts.only_a,
                counts.only_b,
                n,
                len(set(clusters)),
                np.count_nonzero(moved),
                (sums**2).sum(),
            )
        )
    )
    alone = paired.clustered(a, b, clusters)
    assert [each[0] for each in found[:3]] == pytest.approx([alone.value, alone.low, alone.high], abs=1e-8)
    metric = create("item-score", Classification(labels=["x", "y"]))
    tables = [np.stack([side, np.ones(n)], axis=1) for side in (a, b)]
    # The p of a comparison is found in twelve halvings.
    slow = estimate.p_value(metric, "item-score", [tables[0]], [tables[1]], clusters)
    assert found.p[0] == pytest.approx(slow, abs=2 / 4096)


def test_one_cluster_says_nothing():
    one = np.array([1.0])
    found = cells.clustered(one, 0 * one, 4 * one, one, one, one)
    assert found.value[0] == 0.25
    assert math.isnan(found.low[0])
    assert math.isnan(found.high[0])
    assert math.isnan(found.p[0])


@pytest.mark.parametrize("seed", range(2))
def test_many_graded_items_need_no_resampling(seed):
    draws = np.random.default_rng(seed)
    a = draws.beta(2, 1, 2000)
    b = np.clip(a - 0.004 + 0.1 * draws.normal(size=2000), 0, 1)
    metric = create("item-score", Entities(labels=["ORG"]))
    tables = [np.stack([side, np.ones(2000)], axis=1) for side in (a, b)]
    slow = estimate.difference(metric, "item-score", [tables[0]], [tables[1]])
    gap, p = means.difference(a, b, estimate.PAIRED)
    width = slow.high - slow.low
    assert gap.value == pytest.approx(slow.value)
    # The bounds of 4,000 resamples move by as much themselves.
    assert [gap.low, gap.high] == pytest.approx([slow.low, slow.high], abs=0.04 * width)
    assert p == pytest.approx(estimate.p_value(metric, "item-score", [tables[0]], [tables[1]]), abs=0.02)
    assert means.difference(a, a, estimate.PAIRED)[1] == 1
