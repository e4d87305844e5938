"""Two predictors on the same items."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import stats

from harness.errors import InputError
from harness.stats.intervals import LEVEL, Estimate
from harness.stats.resample import Array, draws


def bootstrap(
    a: Array,
    b: Array,
    score: Callable[[Array], Array],
    rng: np.random.Generator,
    resamples: int = 2000,
    level: float = LEVEL,
) -> Estimate:
    """The first score of ``a`` minus that of ``b`` with a percentile interval, items drawn together for both.
    ``a`` and ``b`` are (n, d) statistics of the same n items in the same order."""
    if a.shape != b.shape:
        raise InputError(f"paired comparison of {a.shape[0]} items with {b.shape[0]}: the items must be the same.")
    value = float(score(a.sum(0))[0] - score(b.sum(0))[0])
    if len(a) < 2:
        return Estimate(value, np.nan, np.nan)
    gaps = np.concatenate([score(x)[:, 0] - score(y)[:, 0] for x, y in draws([a, b], rng, resamples)])
    if not np.isfinite(gaps).any():
        return Estimate(value, np.nan, np.nan)
    low, high = np.nanpercentile(gaps, [50 * (1 - level), 50 * (1 + level)])
    return Estimate(value, float(low), float(high))


@dataclass(frozen=True, slots=True)
class Discordance:
    """Items only one of two predictors has right, and the two-sided exact p of McNemar's test."""

    only_a: int
    only_b: int
    p: float


def mcnemar(a: Array, b: Array) -> Discordance:
    """The exact test (McNemar, 1947; binomial with p = 1/2 on the discordant items). ``a`` and ``b`` are (n,) hits.

    >>> import numpy as np
    >>> mcnemar(np.array([1, 1, 1, 0.0]), np.array([0, 0, 1, 0.0]))
    Discordance(only_a=2, only_b=0, p=0.5)
    """
    only_a, only_b = int(((a == 1) & (b == 0)).sum()), int(((a == 0) & (b == 1)).sum())
    p = stats.binomtest(only_a, only_a + only_b).pvalue if only_a + only_b else 1.0
    return Discordance(only_a, only_b, float(p))
