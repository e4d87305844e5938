"""What each row scores on each part of a cut, and what each pair's difference there is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import numpy as np

from harness.compare import estimate
from harness.metrics import Metric
from harness.page.cuts import Cut, Places
from harness.page.numbers import Bounds, bounds, plain
from harness.page.said import Said
from harness.stats import cells, means, multiple
from harness.stats.intervals import Estimate, wilson
from harness.stats.paired import SAME
from harness.stats.resample import Array

MANY = 2000  # graded items of a part from which on nothing is resampled
NAME = "item-score"


@dataclass(slots=True)
class Part:
    """A part's items in ``places``, and each pair's difference there with its p."""

    name: str
    places: Places
    rows: list[Bounds] = field(default_factory=list)
    gaps: list[Estimate] = field(default_factory=list)
    ps: list[float] = field(default_factory=list)


def parts(cuts: Sequence[Cut], rows: Sequence[Said], metric: Metric, clusters: Sequence[str] | None) -> list[Any]:
    """The cuts as the page has them. ``metric`` is the items' mean score. p values are adjusted over all parts of all
    cuts, of each pair by itself (Holm)."""
    whole = [Part(name, places) for cut in cuts for name, places in cut.parts.items()]
    coded = None if clusters is None else np.unique(clusters, return_inverse=True)[1]
    for part in whole:
        named = None if clusters is None else [clusters[place] for place in part.places.tolist()]
        part.rows = [bounds(_mean(row.hits[:, part.places], metric, named)) for row in rows]
    for one, other in combinations(rows, 2):
        _compare(whole, one, other, metric, coded)
    adjusted = [multiple.adjust([part.ps[pair] for part in whole]) for pair in range(len(whole[0].ps) if whole else 0)]
    shaped = iter(
        {
            "name": part.name,
            "n": len(part.places),
            "rows": part.rows,
            "gaps": [bounds(gap) for gap in part.gaps],
            "ps": [plain(p) for p in part.ps],
            "adjusted": [plain(ps[place]) for ps in adjusted],
        }
        for place, part in enumerate(whole)
    )
    return [{"by": cut.by, "parts": [next(shaped) for _ in cut.parts]} for cut in cuts]


def tables(hits: Array) -> list[Array]:
    """(n, 2) statistics of the mean of item scores, one for each of the (runs, n) ``hits``."""
    return [np.stack([run, np.ones(len(run))], axis=1) for run in hits]


def _mean(hits: Array, metric: Metric, clusters: Sequence[str] | None) -> Estimate:
    if metric.proportion and len(hits) == 1 and clusters is None:
        return wilson(float(hits.sum()), hits.shape[1])
    (found,) = estimate.estimates(metric, tables(hits), clusters)
    return found


def _compare(whole: Sequence[Part], one: Said, other: Said, metric: Metric, clusters: Places | None) -> None:
    """Adds the two rows' difference to each part."""
    if len(one.hits) == len(other.hits) == 1 and metric.proportion:
        a, b = one.hits[0], other.hits[0]
        found = _shares(whole, a, b) if clusters is None else _clustered(whole, a, b, clusters)
        for part, value, low, high, p in zip(whole, *found, strict=True):
            part.gaps.append(Estimate(float(value), float(low), float(high)))
            part.ps.append(float(p))
        return
    for part in whole:
        left, right = one.hits[:, part.places], other.hits[:, part.places]
        gap, p = _scores(left, right, metric, None if clusters is None else clusters[part.places].tolist())
        part.gaps.append(gap)
        part.ps.append(p)


def _shares(whole: Sequence[Part], a: Array, b: Array) -> cells.Cells:
    better, worse = a > b + SAME, b > a + SAME
    counted = [(better[part.places].sum(), worse[part.places].sum(), len(part.places)) for part in whole]
    return cells.proportions(*np.array(counted, float).reshape(-1, 3).T)


def _clustered(whole: Sequence[Part], a: Array, b: Array, clusters: Places) -> cells.Cells:
    counted = []
    for part in whole:
        _, which = np.unique(clusters[part.places], return_inverse=True)
        gaps = (a - b)[part.places]
        sums, moved = np.bincount(which, gaps - gaps.mean()), np.bincount(which, np.abs(gaps))
        better, worse = (gaps > SAME).sum(), (gaps < -SAME).sum()
        counted.append((better, worse, len(gaps), len(sums), np.count_nonzero(moved), (sums**2).sum()))
    return cells.clustered(*np.array(counted, float).reshape(-1, 6).T)


def _scores(left: Array, right: Array, metric: Metric, clusters: Sequence[object] | None) -> tuple[Estimate, float]:
    """The difference of means of (runs, n) scores, and its p."""
    if len(left) == len(right) == 1 and clusters is None:
        if left.shape[1] >= MANY:
            return means.difference(left[0], right[0], estimate.PAIRED)
        sides = tables(left), tables(right)
        return estimate.difference(metric, NAME, *sides), estimate.p_value(metric, NAME, *sides)
    interval = estimate.between(metric, NAME, tables(left), tables(right), clusters)
    return interval(0.95), estimate.unlikely(interval)
