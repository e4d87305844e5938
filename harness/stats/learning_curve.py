"""A learning curve with its resamples: how high it is at a size, and at which size it is how high."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from harness.stats import power_law
from harness.stats.draws import Draws
from harness.stats.intervals import LEVEL, RESAMPLES, Estimate, Score, over_seeds, scored
from harness.stats.power_law import PowerLaw
from harness.stats.resample import Array, Sample, by_cluster

REACH = 10  # times the largest size: as far as a curve is believed
FLOOR = 0.1  # of the largest variance of a size's mean: the least that it counts for


@dataclass(frozen=True, slots=True)
class LearningCurve:
    """The curve ``fitted`` to the scores of the sizes, ``points`` (m,), whose errors have the ``covariance`` (m, m),
    and those of k resamples, ``drawn``. ``levels`` are other systems' scores (s,), and in the same resamples (k, s).
    Higher is better: where it is not, scores have their sign changed."""

    sizes: Array
    points: Array
    covariance: Array
    fitted: PowerLaw
    drawn: PowerLaw
    levels: Array
    levels_drawn: Array

    @property
    def end(self) -> float:
        """The size up to which the curve is believed: two points are a line between them only."""
        return float(self.sizes[-1] * (REACH if len(self.sizes) > 2 else 1))

    def height(self, sizes: Array, level: float = LEVEL) -> list[Estimate]:
        """The curve at ``sizes``."""
        value = self.fitted.at(sizes)[0]
        low, high = np.quantile(self.drawn.at(sizes), [0.5 - level / 2, 0.5 + level / 2], axis=0)
        return [
            Estimate(float(v), min(float(v), float(lo)), max(float(v), float(hi)))
            for v, lo, hi in zip(value, low, high, strict=True)
        ]

    def passes(self, place: int, level: float = LEVEL) -> Estimate:
        """The size at which the curve passes ``levels[place]``; 0 stands for any below the smallest, infinite for any
        beyond ``end``. Percentiles of the sizes of resamples, where each resample that is outside counts as such."""
        value = self.fitted.reaches(self.levels[place])[0]
        found = self.drawn.reaches(self.levels_drawn[:, place])
        # No mean of two sizes: one of them may be infinite.
        low = np.quantile(found, 0.5 - level / 2, method="inverted_cdf")
        high = np.quantile(found, 0.5 + level / 2, method="inverted_cdf")
        return Estimate(*(self._within(float(each)) for each in (value, min(value, low), max(value, high))))

    def _within(self, size: float) -> float:
        return 0.0 if size < self.sizes[0] else np.inf if size > self.end else size

    def falls(self, deviations: float = 3.0) -> tuple[float, float] | None:
        """Two sizes of which the larger has a score that is lower, by so many standard deviations: no curve that rises
        goes through them. None where there are none."""
        worst = None
        for i in range(len(self.sizes)):
            for j in range(i + 1, len(self.sizes)):
                drop = self.points[i] - self.points[j]
                variance = self.covariance[i, i] + self.covariance[j, j] - 2 * self.covariance[i, j]
                if drop > max(deviations * np.sqrt(max(variance, 0)), 1e-9) and (worst is None or drop > worst[0]):
                    worst = drop, float(self.sizes[i]), float(self.sizes[j])
        return worst and worst[1:]


def resample(
    points: Draws,
    runs: Sequence[Array],
    others: Sequence[Sequence[Array]],
    score: Score,
    top: float,
    rng: np.random.Generator,
    clusters: Sequence[object] | None = None,
    resamples: int = RESAMPLES,
) -> LearningCurve:
    """The curve through ``runs``, the (n, d) tables of statistics of ``points``, beside ``others``: the tables of other
    systems, each with one or more that differ by seed. All are of the same items.

    A resample draws the same items (or clusters) of all tables, with deviations stretched to those of Student's t for
    so many; a variance of training draws, as likely as the scores make it, and with it an error of each sample; and
    seeds of the other systems. A curve is fitted to each resample; its points weigh by the inverse of their own
    variances, the same in all."""
    tables = [*runs, *(table for each in others for table in each)]
    sample = Sample(tables if clusters is None else by_cluster(tables, clusters))
    whole = scored(sample.totals(), score)
    found = np.concatenate([scored(totals, score) for totals in sample.draws(rng, resamples)])
    found = found[np.isfinite(found).all(1)]
    if sample.n > 1:
        found = whole + (found - whole) * np.sqrt(sample.n / rng.chisquare(sample.n - 1, len(found)))[:, None]
    r, means = len(runs), points.means()
    noise = np.atleast_2d(np.cov(found[:, :r], rowvar=False))
    covariances, chances = points.covariances(whole[:r], noise)
    values, vectors = np.linalg.eigh(covariances)
    roots = means @ (vectors * np.sqrt(np.maximum(values, 0))[:, None])  # (g, m, r)
    picked = rng.choice(len(roots), size=len(found), p=chances)
    errors = np.einsum("kmr,kr->km", roots[picked], rng.standard_normal((len(found), r)))
    drawn = found[:, :r] @ means.T + errors
    own, erring = means @ noise @ means.T, np.einsum("g,grs->rs", chances, covariances)
    weights = _weights(own + means @ erring @ means.T)
    at = means @ whole[:r]
    end = REACH * float(points.distinct[-1])
    edges = np.cumsum([r, *map(len, others)])
    levels = [whole[i:j].mean() for i, j in pairwise(edges)]
    levels_drawn = [over_seeds(found[:, i:j], rng) for i, j in pairwise(edges)]
    return LearningCurve(
        points.distinct,
        at,
        own + np.diag(points.scatter(whole[:r], np.diagonal(erring))),
        power_law.fit(points.distinct, at[None], weights, top, end),
        power_law.fit(points.distinct, drawn, weights, top, end),
        np.array(levels),
        np.stack(levels_drawn, axis=1) if levels_drawn else np.empty((len(drawn), 0)),
    )


def _weights(covariance: Array) -> Array:
    """(m,) inverse variances of the means of the sizes, without what they all share."""
    m = len(covariance)
    shared = (covariance.sum() - np.trace(covariance)) / (m * (m - 1))
    own = np.diagonal(covariance) - max(shared, 0)
    most = own.max()
    found: Array = 1 / np.maximum(own, FLOOR * most) if most > 0 else np.ones(m)
    return found
