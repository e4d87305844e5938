"""Intervals for one predictor's score."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import stats

from harness.stats.resample import Array, draws

LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with its two-sided interval; NaN where the data say nothing."""

    value: float
    low: float
    high: float


def wilson(successes: float, n: float, level: float = LEVEL) -> Estimate:
    """The score interval for a proportion (Wilson, 1927); NaN for n = 0.

    >>> wilson(80, 100)
    Estimate(value=0.8, low=0.7111708344068411, high=0.8666330666689676)
    """
    if n == 0:
        return Estimate(np.nan, np.nan, np.nan)
    z = float(stats.norm.ppf(0.5 + level / 2))
    share = successes / n
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    # At 0 and n the formula gives 0 and 1 exactly, floating point not quite.
    low = 0.0 if successes == 0 else float(centre - half)
    high = 1.0 if successes == n else float(centre + half)
    return Estimate(share, low, high)


def bootstrap(
    statistics: Array,
    score: Callable[[Array], Array],
    rng: np.random.Generator,
    resamples: int = 2000,
    level: float = LEVEL,
) -> list[Estimate]:
    """Percentile intervals over items (Efron, 1979), one for each value that ``score`` gives. ``statistics`` is (n, d);
    with fewer than two items the bounds are NaN."""
    values = score(statistics.sum(0))
    if len(statistics) < 2:
        return [Estimate(float(v), np.nan, np.nan) for v in values]
    scores = np.concatenate([score(totals) for (totals,) in draws([statistics], rng, resamples)])
    tails = [50 * (1 - level), 50 * (1 + level)]
    # A resample in which the score is undefined says nothing about it.
    bounds = [np.nanpercentile(c, tails) if np.isfinite(c).any() else (np.nan, np.nan) for c in scores.T]
    return [Estimate(float(value), float(low), float(high)) for value, (low, high) in zip(values, bounds, strict=True)]
