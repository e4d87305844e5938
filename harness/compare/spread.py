"""How far scores of many variants of one prompt lie apart, noise told from spread."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from harness.chance import rng
from harness.compare import differences
from harness.results import store
from harness.results.store import Run
from harness.stats.intervals import LEVEL, Estimate
from harness.stats.resample import Array, Sample, by_cluster

RESAMPLES = 2000


@dataclass(frozen=True)
class Spread:
    """The ``metric`` of variants, the runs ``of`` them being on the same items. ``values`` are (k,); ``draws`` (r, k)
    those of a bootstrap that draws the same items for all (clusters, where items are in some); all lie between
    ``ends``."""

    metric: str
    values: Array
    draws: Array
    n: int
    ends: tuple[float, float]

    @classmethod
    def of(cls, runs: Sequence[Run], metric: str) -> Spread:
        """Of runs whose items are in the same order."""
        made = differences.family(metric, runs[0].kind)
        place = made.names.index(metric)
        tables = [differences.statistics(run, made) for run in runs]
        clusters = store.clusters(runs[0].examples)
        sample = Sample(tables if clusters is None else by_cluster(tables, clusters))
        values = np.array([float(made.score(totals)[..., place]) for totals in sample.totals()])
        drawn = [
            np.stack([made.score(each)[..., place] for each in totals], axis=-1)
            for totals in sample.draws(rng("spread", metric), RESAMPLES)
        ]
        draws = np.concatenate(drawn)
        draws = draws[np.isfinite(draws).all(1)]  # a resample in which the score is undefined says nothing about it
        # The bootstrap's variance of a mean of n is (n - 1) / n of the true one.
        centre = draws.mean(0) if len(draws) else values
        stretched = np.clip(centre + (draws - centre) * np.sqrt(sample.n / max(sample.n - 1, 1)), *made.ends)
        return cls(metric, values, stretched, sample.n, made.ends)

    @property
    def known(self) -> bool:
        """Whether there is anything to tell noise by."""
        return self.n > 1 and len(self.draws) > 1 and bool(np.isfinite(self.values).all())

    @cached_property
    def _noise(self) -> Array:
        """(r,) the range of the variants' errors: how far apart they would lie if none were better than another."""
        found: Array = np.ptp(self.draws - self.draws.mean(0), axis=1)
        return found

    @property
    def range(self) -> Estimate:
        """Highest minus lowest, with an interval of the true range. No difference of two variants is off by more than
        the range of all errors (Tukey, 1953; its distribution is bootstrapped), whichever two are chosen: so many of
        the range's values that noise alone explains are in it, down to 0. It is wide rather than short. Where few items
        tell variants apart, or none, its upper end allows for what so many items may not show: the exact bound of a
        share of which none was seen."""
        value, width = float(np.ptp(self.values)), self.ends[1] - self.ends[0]
        if not self.known:
            return Estimate(value, np.nan, np.nan)
        off = float(np.quantile(self._noise, LEVEL))
        unseen = width * (1 - (1 - LEVEL) ** (1 / self.n)) if np.isfinite(width) else 0.0
        return Estimate(value, max(0.0, value - off), min(value + max(off, unseen), width))

    @property
    def noise(self) -> float:
        """The median range of variants of which none is better: what noise alone is likely to show."""
        return float(np.median(self._noise)) if self.known else np.nan

    @property
    def p(self) -> float:
        """Of variants that are equally good, how often their range is as large."""
        if not self.known:
            return np.nan
        return float((1 + np.sum(self._noise >= np.ptp(self.values) - 1e-12)) / (1 + len(self._noise)))

    def quantile(self, share: float) -> Estimate:
        """A quantile of the variants' scores, with a percentile interval over items."""
        return self._estimate(float(np.quantile(self.values, share)), np.quantile(self.draws, share, axis=1))

    def beyond(self, place: int) -> Estimate:
        """The score of the variant at ``place`` minus the median."""
        return self._estimate(
            self.values[place] - np.median(self.values), self.draws[:, place] - np.median(self.draws, axis=1)
        )

    def contrast(self, weights: Array) -> Estimate:
        """The mean over g groups of the ``weights`` (g, k) of the scores: groups are drawn anew beside items."""
        gaps = self.draws @ weights.T  # (r, g)
        mean, count = gaps.mean(1), len(weights)
        if count > 1:
            picked = rng("groups", self.metric).integers(count, size=gaps.shape)
            drawn = np.take_along_axis(gaps - mean[:, None], picked, axis=1).mean(1)
            mean = mean + np.sqrt(count / (count - 1)) * drawn
        return self._estimate(float((weights @ self.values).mean()), mean)

    def rank(self, place: int) -> int:
        """1 for the highest score; ties share the better place."""
        return 1 + int(np.sum(self.values > self.values[place]))

    def reversals(self, other: Spread) -> tuple[Estimate, Estimate]:
        """Of two predictors' scores of the same variants, drawn with the same items: the share of pairs of variants
        that one orders otherwise than the other, ties left out; and Kendall's tau-b (Kendall, 1945)."""
        found = np.array([_ordered(a, b) for a, b in zip(self.draws[:500], other.draws[:500], strict=True)])
        value = _ordered(self.values, other.values)
        one, two = (self._estimate(value[i], found[:, i] if len(found) else found) for i in (0, 1))
        return one, two

    def _estimate(self, value: float, draws: Array) -> Estimate:
        draws = draws[np.isfinite(draws)]
        if not self.known or not len(draws):
            return Estimate(float(value), np.nan, np.nan)
        low, high = np.quantile(draws, [0.5 - LEVEL / 2, 0.5 + LEVEL / 2])
        return Estimate(float(value), min(float(value), float(low)), max(float(value), float(high)))


def _ordered(one: Array, two: Array) -> tuple[float, float]:
    """The share of pairs ordered otherwise, and tau-b; NaN where there is no pair."""
    places = np.triu_indices(len(one), 1)
    a, b = (np.sign(each[:, None] - each[None, :])[places] for each in (one, two))
    both = (a != 0) & (b != 0)
    share = float(np.mean(a[both] != b[both])) if both.any() else np.nan
    scale = np.sqrt(float(np.sum(a != 0)) * float(np.sum(b != 0)))
    return share, float(np.sum(a * b)) / scale if scale else np.nan
