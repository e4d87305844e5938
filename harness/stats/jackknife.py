"""Intervals from how far each item, or cluster of items, moves a score: the jackknife with Student's t.

Where items come in few clusters, or a score is no share of items, resampling them covers too rarely; these bounds were
chosen by simulation (tests/test_simulation_kinds.py).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.errors import InputError
from harness.stats import intervals
from harness.stats.intervals import LEVEL, Estimate, Score
from harness.stats.resample import Array, Sample, by_cluster

ROUNDING = 1e-12  # relative: what moves a score by no more does not move it
FARTHEST = 700.0  # in logarithms: what a float holds
MASS = 0.5  # pseudo-items of which only one side has the right answer, for a difference; as many for the other side


@dataclass(frozen=True, slots=True)
class Jackknife:
    """A score's ``value``, its standard ``error`` (Tukey, 1958) and the ``freedom`` that the error has: Satterthwaite's
    degrees of freedom of a variance, by the kurtosis of what units move the score (Satterthwaite, 1946), at least 1.
    ``skewness`` is that of what units move it, ``units`` are the items or clusters. NaN error with fewer than two, and
    where the score is undefined without some unit: a class that one document alone has is known from that one only."""

    value: float
    error: float
    freedom: float
    skewness: float
    units: int

    @classmethod
    def of(cls, tables: Sequence[Array], score: Score, clusters: Sequence[object] | None = None) -> Jackknife:
        """Of ``score`` of the first table of statistics (n, d), minus that of the second where there is one."""
        sample = Sample(tables if clusters is None else by_cluster(tables, clusters))
        value = float(_gap(sample.totals(), score))
        totals, counts = sample.without_one()
        each = _gap(totals, score)
        n = int(counts.sum())
        if n < 2 or not (np.isfinite(each).all() and math.isfinite(value)):
            return cls(value, math.nan, math.nan, math.nan, n)
        off = np.average(each, weights=counts) - each
        second, third, fourth = (float(np.average(off**power, weights=counts)) for power in (2, 3, 4))
        if second <= (ROUNDING * max(abs(value), 1.0)) ** 2:
            return cls(value, 0.0, n - 1, 0.0, n)
        freedom = 2 * n / (fourth / second**2 - 1 + 2 / (n - 1))
        return cls(value, math.sqrt((n - 1) * second), min(max(freedom, 1.0), n - 1), third / second**1.5, n)

    def quantile(self, level: float) -> float:
        """Student's t for a two-sided interval of ``level``."""
        from scipy import special

        return float(special.stdtrit(self.freedom, 0.5 + level / 2))

    def unskewed(self, t: float) -> float:
        """The quantile of a score's t statistic where ``t`` is that of a symmetric one: the inverse of Hall's cubic
        transformation (Hall, 1992, Journal of the Royal Statistical Society B 54, 221-228)."""
        slope = self.skewness / math.sqrt(self.units)
        if abs(slope) < 1e-6:
            return t
        return 3 / slope * (float(np.cbrt(1 + slope * (t - slope / 6))) - 1)


def bounded(
    table: Array,
    score: Score,
    ends: tuple[float, float],
    clusters: Sequence[object] | None = None,
    level: float = LEVEL,
) -> Estimate:
    """The score of ``table`` (n, d), which lies between ``ends``, with an interval that does too: symmetric in its
    logit, or in its logarithm where it has no upper end.

    At an end, or where no unit moves it, Wilson's interval for as many units as have a score of their own; NaN there
    without an upper end, and where the error is. Raises InputError for a score beyond its ends.
    """
    from scipy import special

    found = Jackknife.of([table], score, clusters)
    low, high = ends
    if math.isnan(found.error):
        return Estimate(found.value, math.nan, math.nan)
    value = next((end for end in ends if math.isclose(found.value, end, abs_tol=1e-9)), found.value)
    if not low <= value <= high:
        raise InputError(f"a metric gives {value:g}, beyond its ends {low:g} and {high:g}. Set its `ends`.")
    width, above = high - low, value - low
    if found.error == 0 or value in ends:
        if math.isinf(width):
            return Estimate(found.value, math.nan, math.nan)
        units = _scored(table, score, clusters) or found.units
        share = intervals.wilson(above / width * units, units, level)
        return Estimate(found.value, low + width * share.low, low + width * share.high)
    half = found.quantile(level) * found.error / above
    if math.isinf(width):
        half = min(half, FARTHEST)
        return Estimate(found.value, low + above * math.exp(-half), low + above * math.exp(half))
    half /= 1 - above / width
    middle = math.log(above / (high - value))
    down, up = special.expit([middle - half, middle + half]).tolist()
    return Estimate(found.value, low + width * down, low + width * up)


def difference(
    table: Array,
    against: Array,
    score: Score,
    ends: tuple[float, float],
    extremes: Array | None = None,
    clusters: Sequence[object] | None = None,
    level: float = LEVEL,
) -> Estimate:
    """The score of ``table`` minus that of ``against``, of the same items, both between ``ends``, with its interval.

    With ``extremes``, the rows of an item answered well and of one answered badly, the error allows for ``MASS`` items
    that only one of the two has right, and as many that only the other has: a sample in which few items differ may show
    none of them. Without, each bound is the farther one of the symmetric and of that which is corrected for skewness: a
    few items that differ much pull the value and the error together.
    """
    found = Jackknife.of([table, against], score, clusters)
    if math.isnan(found.error):
        return Estimate(found.value, math.nan, math.nan)
    variance, down = found.error**2, found.quantile(level)
    up = down
    if extremes is None:
        down, up = max(down, found.unskewed(down)), max(up, -found.unskewed(-up))
    else:
        totals, (good, bad) = [table.sum(0), against.sum(0)], extremes
        for one, other in ((good, bad), (bad, good)):
            variance += MASS * (float(_gap([totals[0] + one, totals[1] + other], score)) - found.value) ** 2
    error, farthest = math.sqrt(variance), ends[1] - ends[0]
    low, high = max(found.value - down * error, -farthest), min(found.value + up * error, farthest)
    return Estimate(found.value, low, high)


def _scored(table: Array, score: Score, clusters: Sequence[object] | None) -> int:
    """How many items or clusters have a score of their own: those without an item of a class say nothing of it."""
    (rows,) = [table] if clusters is None else by_cluster([table], clusters)
    return int(np.isfinite(score(rows)).sum())


def _gap(totals: Sequence[Array], score: Score) -> Array:
    first, *others = (score(each) for each in totals)
    return first - others[0] if others else first
