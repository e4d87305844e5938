"""Many candidates on the same items: which are surely worse than the best of them, and what choosing the best adds to
its score."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from harness.chance import rng
from harness.compare import estimate
from harness.compare.differences import Comparison
from harness.metrics import Array, Metric
from harness.stats.intervals import RESAMPLES, Estimate
from harness.stats.resample import Sample, by_cluster

ALPHA = 0.05
TAIL = 20  # resamples beyond a bound, at least
MOST = 200_000  # resamples

Tables = Sequence[Array]
"""A candidate's (n, d) statistics, a table a seed."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A candidate after a round: its score, and what it is behind the leader with the one-sided bounds that a drop is
    judged by (None: it is the leader)."""

    title: str
    score: float
    behind: Estimate | None
    dropped: bool


@dataclass(frozen=True, slots=True)
class Round:
    """A look after ``n`` items each, the best candidate first; ``computed`` tokens were run through the models for
    it."""

    n: int
    standings: tuple[Standing, ...]
    computed: float


@dataclass(frozen=True, slots=True)
class Against:
    """The winner minus another on the items that are reported on; ``p`` is adjusted for the number of others (Holm)."""

    title: str
    difference: Estimate
    p: float


@dataclass(frozen=True, slots=True)
class Tuned:
    """A choice: made on the split ``chosen_on`` among so many ``candidates``, and reported, ``test``, on another.
    ``setting`` is the winner's, by the names of options; ``score`` its own where it was chosen, ``optimism`` what of it
    is owed to the choosing. ``asked`` answers of ``whole`` were asked for, and ``computed`` tokens of the ``full`` that
    were left to compute for the whole grid. ``same``: the winner is the incumbent."""

    task: str
    metric: str
    chosen_on: str
    rounds: tuple[Round, ...]
    winner: str
    setting: Mapping[str, Any]
    score: float
    optimism: float
    candidates: int
    asked: int
    whole: int
    computed: float
    full: float
    test: Comparison
    against: tuple[Against, ...]
    same: bool

    @property
    def left(self) -> int:
        """Candidates that cannot be told from the winner."""
        return sum(not each.dropped for each in self.rounds[-1].standings)


def value(metric: Metric, name: str, tables: Tables) -> float:
    """A candidate's score: the mean over its seeds."""
    place = metric.names.index(name)
    return float(np.mean([metric.score(table.sum(0))[..., place] for table in tables]))


def leader(metric: Metric, name: str, candidates: Sequence[Tables]) -> int:
    """The place of the best score, the first of equal ones; what has no score is never it."""
    sign = -1 if metric.losses else 1
    scores = [sign * value(metric, name, tables) for tables in candidates]
    return max(range(len(scores)), key=lambda place: -math.inf if math.isnan(scores[place]) else scores[place])


def behind(
    metric: Metric,
    name: str,
    candidates: Sequence[Tables],
    alpha: float,
    clusters: Sequence[object] | None = None,
) -> list[Estimate | None]:
    """What each candidate is behind the leader, paired item by item, higher being better, with one-sided bounds of
    level 1 - ``alpha``: it is surely worse where the upper one lies below 0. None for the leader."""
    first = leader(metric, name, candidates)
    resamples = min(MOST, max(RESAMPLES, math.ceil(TAIL / alpha)))
    found: list[Estimate | None] = []
    for place, tables in enumerate(candidates):
        if place == first:
            found.append(None)
            continue
        gap = estimate.difference(metric, name, tables, candidates[first], clusters, 1 - 2 * alpha, resamples)
        found.append(Estimate(0.0 - gap.value, 0.0 - gap.high, 0.0 - gap.low) if metric.losses else gap)
    return found


def each(candidates: int, looks: int) -> float:
    """The level of a single test (Bonferroni): whoever leads in whichever of the ``looks``, the best of all
    ``candidates`` is dropped with probability ``ALPHA`` at most."""
    return ALPHA / (max(candidates - 1, 1) * looks)


def optimism(
    metric: Metric, name: str, candidates: Sequence[Tables], clusters: Sequence[object] | None = None
) -> float:
    """By how much the best of several scores is better than what it stands for, because it was chosen as the best: over
    resamples of the items, the mean of what the best of the resample has there beyond what it has on all items (the
    bootstrap of optimism; Efron, 1983, Journal of the American Statistical Association 78, 316-331). 0 for one
    candidate; NaN with fewer than two items."""
    if len(candidates) == 1:
        return 0.0
    flat = [table for tables in candidates for table in tables]
    sample = Sample(flat if clusters is None else by_cluster(flat, clusters))
    if sample.n < 2:
        return math.nan
    place = metric.names.index(name)
    edges = np.cumsum([0, *map(len, candidates)])

    def scores(totals: Sequence[Array]) -> Array:
        """(..., candidates): the mean over each one's seeds, higher being better."""
        each = np.stack([metric.score(total)[..., place] for total in totals], axis=-1)
        means = [each[..., a:b].mean(-1) for a, b in pairwise(edges)]
        made: Array = np.stack(means, axis=-1)
        return -made if metric.losses else made

    whole = scores(sample.totals())
    drawn = np.concatenate([scores(totals) for totals in sample.draws(rng("optimism", name), RESAMPLES)])
    drawn = drawn[np.isfinite(drawn).all(1)]
    if not len(drawn):
        return math.nan
    best = drawn.argmax(1)
    return float(np.mean(drawn[np.arange(len(drawn)), best] - whole[best]))
