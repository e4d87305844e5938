"""Two predictors on the same items."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.stats.intervals import LEVEL, Estimate, Score, normal_quantile
from harness.stats.resample import Array, Sample, by_cluster

SAME = 1e-9  # shares that differ by less are one


@dataclass(frozen=True, slots=True)
class Discordance:
    """Items that only one of two predictors has right, or that it has better, of ``n``."""

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
    """``a`` and ``b`` are (n,) scores of the same items: hits, 0 or 1, or shares.

    >>> import numpy as np
    >>> discordance(np.array([1, 1, 1, 0.0]), np.array([0, 0, 1, 0.0])).p
    0.5
    """
    return Discordance(int((a > b + SAME).sum()), int((b > a + SAME).sum()), len(a))


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


def proportions(only_a: float, only_b: float, n: float, level: float = LEVEL) -> Estimate:
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


def clustered(a: Array, b: Array, clusters: Sequence[object], level: float = LEVEL) -> Estimate:
    """The mean of ``a`` minus that of ``b``, (n,) hits of the same items, with Tango's interval for as many independent
    items as the clusters are worth: n over the design effect, the variance between clusters over that of independent
    items (Kish, 1965), and over the square of Student's t for m - 1 degrees to the normal quantile (Korn and Graubard,
    1998). The effect is at least 1, and at least the clusters' mean size over one more than there are clusters that
    differ, as few of them do not show it. NaN for fewer than two clusters."""
    from scipy import special

    found, gaps = discordance(a, b), np.asarray(a, float) - np.asarray(b, float)
    n, m = found.n, len(set(clusters))
    if m < 2:
        return Estimate(float(gaps.mean()) if n else math.nan, math.nan, math.nan)
    sums, differing = by_cluster([(gaps - gaps.mean())[:, None], np.abs(gaps)[:, None]], clusters)
    independent = float((gaps**2).mean() - gaps.mean() ** 2) * n
    seen = float((sums**2).sum()) * m / (m - 1) / independent if independent > 0 else n / m
    effect = max(seen, 1.0, n / m / (1 + np.count_nonzero(differing)))
    effect *= (float(special.stdtrit(m - 1, 0.5 + level / 2)) / normal_quantile(0.5 + level / 2)) ** 2
    return proportions(found.only_a / effect, found.only_b / effect, n / effect, level)


def randomization(a: Array, b: Array, score: Score, rng: np.random.Generator, resamples: int = 4000) -> float:
    """Two-sided p of the approximate randomization test (Noreen, 1989): how often swapping the two predictors' answers
    item by item, at random, gives a difference as large as the one seen; (r + 1) / (resamples + 1). ``a`` and ``b`` are
    (n, d) statistics of the same items. NaN where either score is undefined."""
    sample = Sample([a, b])
    left, right = sample.split(sample.rows)
    # A group's swapped items are as many as a fair coin gives.
    swapped = rng.binomial(sample.counts, 0.5, size=(resamples, len(sample.counts))).astype(float)
    moved = swapped @ (right - left)
    total_a, total_b = sample.totals()
    seen = float(score(total_a) - score(total_b))
    if math.isnan(seen):
        return math.nan
    gaps = np.abs(score(total_a + moved) - score(total_b - moved))
    return float((np.sum(gaps >= abs(seen) - 1e-12) + 1) / (resamples + 1))
