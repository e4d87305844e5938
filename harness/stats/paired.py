"""Two predictors on the same items."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from harness.stats.intervals import LEVEL, Estimate, Score, normal_quantile
from harness.stats.resample import Array, Sample


@dataclass(frozen=True, slots=True)
class Discordance:
    """Items that only one of two predictors has right, of ``n``."""

    only_a: int
    only_b: int
    n: int

    @property
    def share(self) -> float:
        """Share of items on which the two differ."""
        return (self.only_a + self.only_b) / self.n

    @property
    def p(self) -> float:
        """Two-sided exact p of McNemar's test (McNemar, 1947; binomial with p = 1/2 on the discordant items)."""
        from scipy import stats

        k = self.only_a + self.only_b
        return float(stats.binomtest(self.only_a, k).pvalue) if k else 1.0

    @property
    def odds_ratio(self) -> float:
        """The effect size: how many items only a has right for each that only b has; NaN where there is neither."""
        if not self.only_b:
            return math.inf if self.only_a else math.nan
        return self.only_a / self.only_b


def discordance(a: Array, b: Array) -> Discordance:
    """``a`` and ``b`` are (n,) hits, 0 or 1, of the same items.

    >>> import numpy as np
    >>> discordance(np.array([1, 1, 1, 0.0]), np.array([0, 0, 1, 0.0])).p
    0.5
    """
    return Discordance(int(((a == 1) & (b == 0)).sum()), int(((a == 0) & (b == 1)).sum()), len(a))


def tango_z(only_a: Array | float, only_b: Array | float, n: Array | float, difference: Array | float) -> Array:
    """The score statistic for a true difference of two paired proportions (Tango, 1998, Statistics in Medicine 17,
    equation 6): positive where a's advantage is larger than ``difference``. Vectorised; 0 where it is 0 / 0."""
    b, c = np.asarray(only_a, float), np.asarray(only_b, float)
    n, d = np.asarray(n, float), np.asarray(difference, float)
    # The constrained maximum-likelihood estimate of the share of c, from 2 n q^2 + B q + C = 0.
    middle = -b - c + (2 * n - b + c) * d
    last = -c * d * (1 - d)
    share = (np.sqrt(np.maximum(middle**2 - 8 * n * last, 0)) - middle) / (4 * n)
    variance = n * (2 * share + d * (1 - d))
    top = b - c - n * d
    top = np.where(np.abs(top) < 1e-12, 0.0, top)
    endless = np.where(top == 0, 0.0, np.copysign(np.inf, top))
    out: Array = np.divide(top, np.sqrt(np.maximum(variance, 0)), out=endless, where=variance > 1e-12)
    return out


def proportions(only_a: int, only_b: int, n: int, level: float = LEVEL) -> Estimate:
    """The difference of two paired proportions with its score interval (Tango, 1998); NaN bounds for n = 0. One bound
    of it is a one-sided bound of level (1 + level) / 2."""
    from scipy import optimize

    if n == 0:
        return Estimate(math.nan, math.nan, math.nan)
    value, z = (only_a - only_b) / n, normal_quantile(0.5 + level / 2)

    def edge(target: float, far: float) -> float:
        def off(difference: float) -> float:
            return float(tango_z(only_a, only_b, n, difference)) - target

        near = value
        if abs(near - far) < 1e-12 or off(far) * off(near) > 0:
            return far
        return float(optimize.brentq(off, near, far, xtol=1e-10))

    return Estimate(value, edge(z, -1.0), edge(-z, 1.0))


def randomization(a: Array, b: Array, score: Score, rng: np.random.Generator, resamples: int = 4000) -> float:
    """Two-sided p of the approximate randomization test (Noreen, 1989): how often swapping the two predictors' answers
    item by item, at random, gives a difference as large as the one seen; (r + 1) / (resamples + 1). ``a`` and ``b`` are
    (n, d) statistics of the same items."""
    sample = Sample([a, b])
    left, right = sample.split(sample.rows)
    # A group's swapped items are as many as a fair coin gives.
    swapped = rng.binomial(sample.counts, 0.5, size=(resamples, len(sample.counts))).astype(float)
    moved = swapped @ (right - left)
    total_a, total_b = sample.totals()
    seen = float(score(total_a) - score(total_b))
    gaps = np.abs(score(total_a + moved) - score(total_b - moved))
    return float((np.sum(gaps >= abs(seen) - 1e-12) + 1) / (resamples + 1))
