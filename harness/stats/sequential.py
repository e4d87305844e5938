"""Bounds that hold however often one looks."""

from __future__ import annotations

import math

import numpy as np
from scipy import optimize

from harness.stats.resample import Array

BETS = 40
LEAST = 0.02  # the smallest bet, best where the advantage is a fiftieth of the variance
MOST = 1e8  # items; nobody has more
CAP = 0.95  # the largest bet, as a share of what would risk all


def wealth(gaps: Array, counts: Array, difference: float) -> float:
    """The log-wealth of a gambler who bets that the mean of items worth from -1 to 1 is above ``difference``.

    ``gaps`` (m,) are the items' distinct worths so far, ``counts`` (m,) how many items have each. The stake is
    spread over constant bets, so the wealth is a mean of martingales (the diversified bets of Waudby-Smith and
    Ramdas, 2024, "Estimating means of bounded random variables by betting", section 5.4); it depends on the counts
    alone. If the mean is at most ``difference`` it ever exceeds 1 / alpha with probability at most alpha (Ville,
    1939).
    """
    # Items are at least -1, so a bet may risk at most 1 / (difference + 1) of the wealth a unit. Bets lie evenly on a
    # log scale: small ones for small advantages.
    bets = np.geomspace(LEAST, CAP, BETS) / max(difference + 1, 1e-12)
    logs: Array = np.log1p(bets[:, None] * (gaps - difference)) @ counts
    top = logs.max()
    return float(top + np.log(np.exp(logs - top).mean()))


def lower(gaps: Array, alpha: float = 0.05) -> float:
    """The lower end of a one-sided confidence sequence for the mean of ``gaps`` (n,), each from -1 to 1: with
    probability 1 - alpha the mean lies above it at every time at once. -1 before anything is known."""
    worths, counts = np.unique(np.asarray(gaps, float), return_counts=True)

    def off(difference: float) -> float:
        return wealth(worths, counts.astype(float), difference) + float(np.log(alpha))

    if not len(worths) or off(-1 + 1e-9) < 0:
        return -1.0
    mean = float(worths @ counts / counts.sum())
    return float(optimize.brentq(off, -1 + 1e-9, mean, xtol=1e-9))


def upper(gaps: Array, alpha: float = 0.05) -> float:
    """The mirror image of ``lower``."""
    return -lower(-np.asarray(gaps, float), alpha)


def items_needed(discordance: float, difference: float, margin: float, alpha: float = 0.05) -> int | None:
    """About how many items it takes until ``lower`` lies above -``margin``, where the shares of items better and worse
    stay such that they sum to ``discordance`` and differ by ``difference``; None where no number does."""
    if difference + margin <= 0:
        return None
    better, worse = (discordance + difference) / 2, (discordance - difference) / 2

    def certain(n: float) -> bool:
        counts = n * np.array([better, 1 - discordance, worse])
        return wealth(np.array([1.0, 0.0, -1.0]), counts, -margin) > -math.log(alpha)

    high = 2.0
    while not certain(high):
        high *= 2
        if high > MOST:
            return None
    low = high / 2
    while high - low > max(1.0, high / 200):
        middle = (low + high) / 2
        low, high = (low, middle) if certain(middle) else (middle, high)
    return math.ceil(high)
