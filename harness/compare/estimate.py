"""Which interval a metric gets: the one place that knows both."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from harness.chance import rng
from harness.metrics import Array, Metric
from harness.stats import intervals, paired
from harness.stats.intervals import LEVEL, Estimate, Score
from harness.stats.resample import Prior

SINGLE = 1.0  # pseudo-items of either extreme for a score: with accuracy that is the interval of Beta(1 + s, 1 + n - s)
PAIRED = 2.0  # for a difference: less, and a gate on macro-F1 passes the inferior too often where few items differ


def estimates(metric: Metric, runs: Sequence[Array], clusters: Sequence[object] | None = None) -> list[Estimate]:
    """Each value of the metric, over runs that differ by seed only, with its 95 % interval.

    A proportion over independent items: Wilson; over clusters: a clustered standard error. Else, and over several
    seeds, a bootstrap: with pseudo-items where the metric says what right and wrong look like, BCa where not, over
    clusters where there are any."""
    if metric.proportion and len(runs) == 1:
        hits, ones = runs[0].T
        if clusters is None:
            return [intervals.wilson(float(hits.sum()), float(ones.sum()))]
        return [intervals.clustered(hits, clusters)]
    prior = None if clusters else _prior(metric, runs, ())
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
) -> Estimate:
    """The value ``name`` of ``runs`` minus that of ``against``, paired item by item, with its interval of ``level``.

    A proportion, one run a side, independent items: Tango's score interval; over clusters: a clustered standard error
    of the items' differences. Else the paired bootstrap, as for ``estimates``."""
    if metric.proportion and len(runs) == len(against) == 1:
        a, b = runs[0][:, 0], against[0][:, 0]
        if clusters is not None:
            return intervals.clustered(a - b, clusters, level)
        found = paired.discordance(a, b)
        return paired.proportions(found.only_a, found.only_b, found.n, level)
    place = metric.names.index(name)
    prior = None if clusters else _prior(metric, runs, against)
    return intervals.bootstrap(
        runs, _score(metric, place), rng("gap", name), against=against, clusters=clusters, prior=prior, level=level
    )


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
    low, high = 0.0, 1.0
    for _ in range(12):
        level = (low + high) / 2
        found = difference(metric, name, runs, against, clusters, level)
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
