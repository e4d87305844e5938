"""Paired differences of shares in many cells at once: what ``paired`` says of one, for the parts of a break-down."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from harness.stats.intervals import LEVEL, normal_quantile
from harness.stats.paired import tango_z
from harness.stats.resample import Array

STEPS = 60  # of a bisection: to the last digit of a float between -1 and 1


class Cells(NamedTuple):
    """Of each cell the difference, its interval and its two-sided p; NaN where a cell has too few items."""

    value: Array
    low: Array
    high: Array
    p: Array


def proportions(only_a: Array, only_b: Array, n: Array, level: float = LEVEL) -> Cells:
    """Cells of ``n`` independent items each, of which ``only_a`` and ``only_b`` are right on one side only: Tango's
    interval (see ``paired.proportions``) and McNemar's exact test."""
    from scipy import stats

    b, c, n = (np.asarray(each, float) for each in (only_a, only_b, n))
    few, k = np.minimum(b, c), b + c
    # With p = 1/2 the binomial is symmetric: as unlikely as the smaller count is twice its tail.
    p = np.where(n > 0, np.minimum(2 * stats.binom.cdf(few, k, 0.5), 1.0), np.nan)
    return Cells(*_tango(b, c, n, normal_quantile(0.5 + level / 2)), p)


def clustered(
    only_a: Array, only_b: Array, n: Array, clusters: Array, differing: Array, spread: Array, level: float = LEVEL
) -> Cells:
    """The same for items that come in ``clusters`` (how many, of which ``differing`` have items that differ); each
    cluster's sum of differences, less what its items would have on average, has the squares' sum ``spread``. The
    interval is that of ``paired.clustered``; p is one minus the level at which it ends at 0. NaN for fewer than two
    clusters."""
    from scipy import special

    b, c, n, m, moved, sums = (np.asarray(each, float) for each in (only_a, only_b, n, clusters, differing, spread))
    with np.errstate(invalid="ignore", divide="ignore"):
        independent = b + c - (b - c) ** 2 / n
        seen = np.where(independent > 1e-12, sums * m / (m - 1) / independent, n / m)
        effect = np.maximum(np.maximum(seen, 1.0), n / m / (1 + moved))
        freedom = np.where(m > 1, m - 1, np.nan)
        t, z = special.stdtrit(freedom, 0.5 + level / 2), normal_quantile(0.5 + level / 2)
        worth = effect * (t / z) ** 2
        found = _tango(b / worth, c / worth, n / worth, z)
        # At a difference of 0 the statistic shrinks by the root of what an item is worth, so t alone decides.
        p = 2 * special.stdtr(freedom, -np.abs(tango_z(b, c, n, 0.0)) / np.sqrt(effect))
    value = np.where(n > 0, np.divide(b - c, n, out=np.full_like(n, np.nan), where=n > 0), np.nan)
    return Cells(value, found[1], found[2], p)


def _tango(b: Array, c: Array, n: Array, z: float) -> tuple[Array, Array, Array]:
    """Value and bounds of each cell."""
    value = np.divide(b - c, n, out=np.full_like(n, np.nan), where=n > 0)

    def edge(target: float, far: float) -> Array:
        near, off = value.copy(), np.full_like(value, far)
        with np.errstate(invalid="ignore"):
            # The statistic falls with the difference; a bound is at the end where it does not get as far.
            beyond = (tango_z(b, c, n, far) - target) * -np.sign(far) < 0
            for _ in range(STEPS):
                middle = (near + off) / 2
                inside = (tango_z(b, c, n, middle) - target) * -np.sign(far) < 0
                near, off = np.where(inside, middle, near), np.where(inside, off, middle)
        return np.where(np.isnan(value), np.nan, np.where(beyond, far, (near + off) / 2))

    return value, edge(z, -1.0), edge(-z, 1.0)
