"""Intervals for one score: of one run, or of several runs over seeds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from harness.errors import InputError
from harness.stats.resample import Array, Prior, Sample, by_cluster

LEVEL = 0.95
RESAMPLES = 4000
normal_quantile = NormalDist().inv_cdf  # the standard library's, whose import costs no fifth of a second
Score = Callable[[Array], Array]
"""(..., d) totals to (...) scores."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with its two-sided interval; NaN where the data say nothing."""

    value: float
    low: float
    high: float


def wilson(successes: float, n: float, level: float = LEVEL) -> Estimate:
    """The score interval for a proportion (Wilson, 1927); NaN for n = 0.

    >>> wilson(80, 100)
    Estimate(value=0.8, low=0.7111708344068413, high=0.8666330666689674)
    """
    if n == 0:
        return Estimate(np.nan, np.nan, np.nan)
    z = normal_quantile(0.5 + level / 2)
    share = successes / n
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    # At 0 and n the formula gives 0 and 1 exactly, floating point not quite.
    low = 0.0 if successes == 0 else float(centre - half)
    high = 1.0 if successes == n else float(centre + half)
    return Estimate(share, low, high)


def beta(successes: float, n: float, level: float = LEVEL) -> Estimate:
    """The central interval of Beta(1 + s, 1 + n - s), the posterior of a proportion under a uniform prior (Bayes,
    1763); the value is s / n."""
    from scipy import special

    if n == 0:
        return Estimate(np.nan, np.nan, np.nan)
    low, high = special.betaincinv(1 + successes, 1 + n - successes, [0.5 - level / 2, 0.5 + level / 2])
    return Estimate(successes / n, float(low), float(high))


def bootstrap(
    runs: Sequence[Array],
    score: Score,
    rng: np.random.Generator,
    *,
    against: Sequence[Array] = (),
    clusters: Sequence[object] | None = None,
    prior: Prior | None = None,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
) -> Estimate:
    """The mean score of ``runs``, minus that of ``against`` where given, with its interval.

    A run is an (n, d) table of statistics; all runs are of the same n items in the same order, so that a draw takes the
    same items from each. Runs that differ by a seed are a second level, drawn too: the interval then holds the variance
    of the seed and not of the items alone. With ``clusters`` (n,), whole clusters are drawn. The bounds are percentiles
    (Efron, 1979); with a ``prior``, of the Bayesian bootstrap with its pseudo-items: where errors are rare a sample may
    show no error of some kind, and resampling it never will; the pseudo-items say that there could be one.

    NaN with fewer than two items (or clusters).
    """
    return percentiles(
        *resampled(runs, score, rng, against=against, clusters=clusters, prior=prior, resamples=resamples), level
    )


def resampled(
    runs: Sequence[Array],
    score: Score,
    rng: np.random.Generator,
    *,
    against: Sequence[Array] = (),
    clusters: Sequence[object] | None = None,
    prior: Prior | None = None,
    resamples: int = RESAMPLES,
) -> tuple[float, Array]:
    """The value of ``bootstrap``, and what its resamples give: none with fewer than two items (or clusters)."""
    tables = [*runs, *against]
    if len({table.shape for table in tables}) > 1:
        raise InputError("a paired comparison needs the same items on both sides, in the same order.")
    if clusters is not None:
        tables = by_cluster(tables, clusters)
    sample = Sample(tables)
    value = float(_gap(scored(sample.totals(), score), len(runs)))
    if sample.n < 2:
        return value, np.empty(0)
    scores = np.concatenate([scored(totals, score) for totals in sample.draws(rng, resamples, prior)])
    gaps = over_seeds(scores[:, : len(runs)], rng)
    if against:
        gaps = gaps - over_seeds(scores[:, len(runs) :], rng)
    return value, gaps[np.isfinite(gaps)]  # a resample in which the score is undefined says nothing about it


def percentiles(value: float, gaps: Array, level: float = LEVEL) -> Estimate:
    """``value`` with the percentiles of what resamples give (Efron, 1979)."""
    if not len(gaps):
        return Estimate(value, np.nan, np.nan)
    low, high = np.quantile(gaps, [0.5 - level / 2, 0.5 + level / 2])
    # Pseudo-items may lie all on one side of a value at its end, such as an F1 of 0.
    return Estimate(value, min(value, float(low)), max(value, float(high)))


def scored(totals: Sequence[Array], score: Score) -> Array:
    """(..., tables): each table's score."""
    return np.stack([score(each) for each in totals], axis=-1)


def _gap(scores: Array, left: int) -> Array:
    gap: Array = np.mean(scores[..., :left], axis=-1)
    if scores.shape[-1] > left:
        gap -= np.mean(scores[..., left:], axis=-1)
    return gap


def over_seeds(scores: Array, rng: np.random.Generator) -> Array:
    """(resamples, k) scores of k seeds to the mean of k seeds drawn with replacement. The spread between k drawn seeds
    is k / (k - 1) times too small; it is stretched back."""
    resamples, k = scores.shape
    mean: Array = np.mean(scores, axis=1)
    if k == 1:
        return mean
    picked = rng.integers(k, size=(resamples, k))
    drawn = np.take_along_axis(scores - mean[:, None], picked, axis=1).mean(1)
    mean += np.sqrt(k / (k - 1)) * drawn
    return mean
