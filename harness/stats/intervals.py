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


def clustered(values: Array, clusters: Sequence[object], level: float = LEVEL) -> Estimate:
    """The mean of ``values`` (n,) with a cluster-robust standard error (Miller, 2024, "Adding error bars to evals",
    equation 4, with the factor m / (m - 1) for m clusters) and Student's t of m - 1 degrees; NaN for one cluster."""
    from scipy import special

    mean = float(np.mean(values))
    (sums,) = by_cluster([(np.asarray(values, float) - mean)[:, None]], clusters)
    m = len(sums)
    if m < 2:
        return Estimate(mean, np.nan, np.nan)
    error = float(np.sqrt((sums**2).sum() * m / (m - 1))) / len(values)
    half = float(special.stdtrit(m - 1, 0.5 + level / 2)) * error
    return Estimate(mean, mean - half, mean + half)


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
    of the seed and not of the items alone. With ``clusters`` (n,), whole clusters are drawn. Bounds:

    - with a ``prior``: percentiles of the Bayesian bootstrap with its pseudo-items. Where errors are rare a sample may
      show no error of some kind, and resampling it never will; the pseudo-items say that there could be one.
    - several runs on either side: percentiles.
    - else bias-corrected and accelerated (BCa; Efron, 1987).

    NaN with fewer than two items (or clusters).
    """
    tables = [*runs, *against]
    if len({table.shape for table in tables}) > 1:
        raise InputError("a paired comparison needs the same items on both sides, in the same order.")
    if clusters is not None:
        tables = by_cluster(tables, clusters)
    sample = Sample(tables)
    value = float(_gap(_scores(sample.totals(), score), len(runs)))
    if sample.n < 2:
        return Estimate(value, np.nan, np.nan)
    scores = np.concatenate([_scores(totals, score) for totals in sample.draws(rng, resamples, prior)])
    gaps = _seeds(scores[:, : len(runs)], rng)
    if against:
        gaps = gaps - _seeds(scores[:, len(runs) :], rng)
    gaps = gaps[np.isfinite(gaps)]  # a resample in which the score is undefined says nothing about it
    if not len(gaps):
        return Estimate(value, np.nan, np.nan)
    tails = np.array([0.5 - level / 2, 0.5 + level / 2])
    if prior is None and len(runs) == 1 and len(against) < 2:
        tails = _accelerated(sample, score, len(runs), value, gaps, tails)
    low, high = np.quantile(gaps, tails)
    # Pseudo-items may lie all on one side of a value at its end, such as an F1 of 0.
    return Estimate(value, min(value, float(low)), max(value, float(high)))


def _scores(totals: Sequence[Array], score: Score) -> Array:
    """(..., tables): each table's score."""
    return np.stack([score(each) for each in totals], axis=-1)


def _gap(scores: Array, left: int) -> Array:
    gap: Array = np.mean(scores[..., :left], axis=-1)
    if scores.shape[-1] > left:
        gap -= np.mean(scores[..., left:], axis=-1)
    return gap


def _seeds(scores: Array, rng: np.random.Generator) -> Array:
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


def _accelerated(sample: Sample, score: Score, left: int, value: float, gaps: Array, tails: Array) -> Array:
    """The percentiles that BCa puts in the place of ``tails``."""
    from scipy import special

    totals, counts = sample.without_one()
    each = _gap(_scores(totals, score), left)
    kept = np.isfinite(each)
    each, counts = each[kept], counts[kept]
    off = np.average(each, weights=counts) - each
    spread = float((counts * off**2).sum())
    if spread <= 0:
        return tails
    speed = float((counts * off**3).sum()) / (6 * spread**1.5)
    below = (np.sum(gaps < value) + np.sum(gaps == value) / 2) / len(gaps)
    bias = float(special.ndtri(np.clip(below, 1 / len(gaps), 1 - 1 / len(gaps))))
    z = bias + special.ndtri(tails)
    moved: Array = special.ndtr(bias + z / (1 - speed * z))
    return moved
