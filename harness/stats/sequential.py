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


def wealth(better: float, equal: float, worse: float, difference: float) -> float:
    """The log-wealth of a gambler who bets that the mean of items worth +1, 0 or -1 is above ``difference``.

    ``better``, ``equal`` and ``worse`` count the items so far. The stake is spread over constant bets, so the wealth is
    a mean of martingales (the diversified bets of Waudby-Smith and Ramdas, 2024, "Estimating means of bounded random
    variables by betting", section 5.4); it depends on the counts alone. If the mean is at most ``difference`` it ever
    exceeds 1 / alpha with probability at most alpha (Ville, 1939).
    """
    # Items are at least -1, so a bet may risk at most 1 / (difference + 1) of the wealth a unit. Bets lie evenly on a
    # log scale: small ones for small advantages.
    bets = np.geomspace(LEAST, CAP, BETS) / max(difference + 1, 1e-12)
    logs: Array = (
        better * np.log1p(bets * (1 - difference))
        + equal * np.log1p(-bets * difference)
        + worse * np.log1p(bets * (-1 - difference))
    )
    top = logs.max()
    return float(top + np.log(np.exp(logs - top).mean()))


def lower(better: float, equal: float, worse: float, alpha: float = 0.05) -> float:
    """The lower end of a one-sided confidence sequence for the mean of +1, 0 and -1: with probability 1 - alpha the
    mean lies above it at every time at once. -1 before anything is known."""

    def off(difference: float) -> float:
        return wealth(better, equal, worse, difference) + float(np.log(alpha))

    n = better + equal + worse
    if n == 0 or off(-1 + 1e-9) < 0:
        return -1.0
    return float(optimize.brentq(off, -1 + 1e-9, (better - worse) / n, xtol=1e-9))


def upper(better: float, equal: float, worse: float, alpha: float = 0.05) -> float:
    """The mirror image of ``lower``."""
    return -lower(worse, equal, better, alpha)


def items_needed(discordance: float, difference: float, margin: float, alpha: float = 0.05) -> int | None:
    """About how many items it takes until ``lower`` lies above -``margin``, where the shares of items better and worse
    stay such that they sum to ``discordance`` and differ by ``difference``; None where no number does."""
    if difference + margin <= 0:
        return None
    better, worse = (discordance + difference) / 2, (discordance - difference) / 2

    def certain(n: float) -> bool:
        return wealth(n * better, n * (1 - discordance), n * worse, -margin) > -math.log(alpha)

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
