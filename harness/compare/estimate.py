"""Which interval a metric gets: the one place that knows both."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from harness.chance import rng
from harness.metrics import Array, Metric
from harness.stats import intervals, jackknife, paired
from harness.stats.intervals import LEVEL, RESAMPLES, Estimate, Score
from harness.stats.resample import Prior

SINGLE = 1.0  # pseudo-items of either extreme for a score: with accuracy that is the interval of Beta(1 + s, 1 + n - s)
PAIRED = 2.0  # for a difference: less, and a gate on macro-F1 passes the inferior too often where few items differ


def estimates(metric: Metric, runs: Sequence[Array], clusters: Sequence[object] | None = None) -> list[Estimate]:
    """Each value of the metric, over runs that differ by seed only, with its 95 % interval.

    One run: Wilson's for a proportion of independent items, a Bayesian bootstrap with pseudo-items for another metric
    that says what right and wrong look like; over clusters, and for metrics that do not, the jackknife. Several seeds:
    a bootstrap over items (or clusters) and seeds."""
    if metric.proportion and len(runs) == 1 and clusters is None:
        hits, ones = runs[0].T
        return [intervals.wilson(float(hits.sum()), float(ones.sum()))]
    prior = None if clusters is not None else _prior(metric, runs, ())
    if len(runs) == 1 and prior is None:
        ends = metric.ends
        return [jackknife.bounded(runs[0], _score(metric, place), ends, clusters) for place in range(len(metric.names))]
    return [
        intervals.bootstrap(runs, _score(metric, place), rng("interval", name), clusters=clusters, prior=prior)
        for place, name in enumerate(metric.names)
    ]


def difference(
    metric: Metric,
    name: str,
    runs: Sequence[Array],
    against: Sequence[Array],
    clusters: Sequence[object] | None = None,
    level: float = LEVEL,
    resamples: int = RESAMPLES,
) -> Estimate:
    """The value ``name`` of ``runs`` minus that of ``against``, paired item by item, with its interval of ``level``.

    A proportion, one run a side: Tango's score interval, over clusters for as many items as they are worth. Else as for
    ``estimates``, paired."""
    return between(metric, name, runs, against, clusters, resamples)(level)


def between(
    metric: Metric,
    name: str,
    runs: Sequence[Array],
    against: Sequence[Array],
    clusters: Sequence[object] | None = None,
    resamples: int = RESAMPLES,
) -> Callable[[float], Estimate]:
    """``difference`` as a function of the level: what is resampled is resampled once."""
    single = len(runs) == len(against) == 1
    if metric.proportion and single:
        a, b = runs[0][:, 0], against[0][:, 0]
        if clusters is not None:
            return partial(paired.clustered, a, b, clusters)
        found = paired.discordance(a, b)
        return partial(paired.proportions, found.only_a, found.only_b, found.n)
    score = _score(metric, metric.names.index(name))
    prior = None if clusters is not None else _prior(metric, runs, against)
    if single and prior is None:
        extremes = metric.extremes(runs[0].sum(0) + against[0].sum(0))
        return partial(jackknife.difference, runs[0], against[0], score, metric.ends, extremes, clusters)
    draws = intervals.resampled(
        runs, score, rng("gap", name), against=against, clusters=clusters, prior=prior, resamples=resamples
    )
    return partial(intervals.percentiles, *draws)


Change = tuple[Array, Array]
"""(n, d) statistics of a run's items after a change, and before it."""


def change(
    metric: Metric,
    name: str,
    runs: Sequence[Change],
    against: Sequence[Change],
    clusters: Sequence[object] | None = None,
) -> Estimate:
    """By how much more the value ``name`` of ``runs`` changes than that of ``against``, on the same items: a bootstrap
    of the difference of the two changes, with pseudo-items as for ``estimates``: one that only either side loses."""
    place = metric.names.index(name)

    def gained(totals: Array) -> Array:
        after, before = np.split(totals, 2, axis=-1)
        found: Array = metric.score(after)[..., place] - metric.score(before)[..., place]
        return found

    rows = metric.extremes(sum(table.sum(0) for each in [*runs, *against] for table in each))
    prior = None
    if rows is not None and clusters is None:
        good, bad = rows
        kept, lost = [good, good], [bad, good]
        left, right = len(runs), len(against)
        prior = Prior(
            np.stack([np.concatenate(lost * left + kept * right), np.concatenate(kept * left + lost * right)]),
            np.array([PAIRED, PAIRED]),
        )
    sides = [[np.concatenate(each, axis=1) for each in side] for side in (runs, against)]
    return intervals.bootstrap(sides[0], gained, rng("change", name), against=sides[1], clusters=clusters, prior=prior)


def p_value(
    metric: Metric,
    name: str,
    runs: Sequence[Array],
    against: Sequence[Array],
    clusters: Sequence[object] | None = None,
) -> float:
    """Two-sided p of no difference. One run a side, independent items: McNemar's exact test for a proportion, else
    approximate randomization. With clusters or several seeds: one minus the level at which the interval of
    ``difference`` ends at 0."""
    if len(runs) == len(against) == 1 and clusters is None:
        if metric.proportion:
            return paired.discordance(runs[0][:, 0], against[0][:, 0]).p
        score = _score(metric, metric.names.index(name))
        return paired.randomization(runs[0], against[0], score, rng("swap", name))
    return unlikely(between(metric, name, runs, against, clusters))


def unlikely(interval: Callable[[float], Estimate]) -> float:
    """One minus the level at which an interval ends at 0."""
    low, high = 0.0, 1.0
    for _ in range(12):
        level = (low + high) / 2
        found = interval(level)
        if math.isnan(found.low):
            return math.nan
        low, high = (low, level) if found.low <= 0 <= found.high else (level, high)
    return 1 - low


def _score(metric: Metric, place: int) -> Score:
    return lambda totals: metric.score(totals)[..., place]


def _prior(metric: Metric, runs: Sequence[Array], against: Sequence[Array]) -> Prior | None:
    """An item that all runs have right, and one that all have wrong; between two sides, one that only either side has
    right."""
    rows = metric.extremes(sum((run.sum(0) for run in [*runs, *against]), np.zeros(runs[0].shape[1])))
    if rows is None:
        return None
    good, bad = rows
    left, right = len(runs), len(against)
    mass = PAIRED if against else SINGLE
    return Prior(
        np.stack([np.concatenate([good] * left + [bad] * right), np.concatenate([bad] * left + [good] * right)]),
        np.array([mass, mass]),
    )
