"""How small a difference the data at hand could show, and how many items a question takes."""

from __future__ import annotations

import math

import numpy as np

from harness.stats.intervals import normal_quantile
from harness.stats.paired import tango_z

ALPHA = 0.05
POWER = 0.8
MOST = 10_000_000  # items; nobody has more


def minimum_detectable(n: int, discordance: float, level: float = 0.95, power: float = POWER) -> float:
    """The smallest true difference of two accuracies that a paired two-sided test on ``n`` items finds with
    probability ``power``, when a share ``discordance`` of items is right for one predictor only (Connor, 1987:
    n d^2 = (z_a sqrt(q) + z_b sqrt(q - d^2))^2 for the difference d and discordance q). NaN for n < 2 or q = 0."""
    if n < 2 or discordance <= 0:
        return math.nan
    za, zb = normal_quantile(0.5 + level / 2), normal_quantile(power)
    low, high = 0.0, 1.0
    for _ in range(60):
        d = (low + high) / 2
        reached = n * d * d >= (za * math.sqrt(discordance) + zb * math.sqrt(max(discordance - d * d, 0))) ** 2
        low, high = (low, d) if reached else (d, high)
    return high


def detectable_at(half_width: float, level: float = 0.95, power: float = POWER) -> float:
    """As ``minimum_detectable`` for any metric, from the ``half_width`` of a two-sided interval of ``level`` of a
    difference: (z_a + z_b) standard errors. NaN where it is not known."""
    za, zb = normal_quantile(0.5 + level / 2), normal_quantile(power)
    return half_width * (za + zb) / za if half_width > 0 else math.nan


def pass_probability(n: int, margin: float, discordance: float, difference: float = 0.0, alpha: float = ALPHA) -> float:
    """The chance that a non-inferiority gate on accuracy passes: that the one-sided lower bound (Tango, 1998) of the
    paired difference lies above -``margin``, when the true difference is ``difference`` and a share ``discordance`` of
    the ``n`` items is right for one predictor only. Exact: the multinomial is summed, but for cells of probability
    below 1e-12."""
    from scipy import stats

    if abs(difference) > discordance:
        return math.nan
    z = normal_quantile(1 - alpha)
    low, high = stats.binom.ppf([1e-12, 1 - 1e-12], n, discordance).astype(int)
    better = (discordance + difference) / (2 * discordance) if discordance else 0.5
    total = 0.0
    for start in range(low, high + 1, 256):  # blocks of the number of discordant items
        k = np.arange(start, min(start + 256, high + 1))
        only_a = np.arange(0, k[-1] + 1)[None, :]
        passes = tango_z(only_a, k[:, None] - only_a, n, -margin) > z
        passes &= only_a <= k[:, None]
        chances = np.where(passes, stats.binom.pmf(only_a, k[:, None], better), 0).sum(1)
        total += float(chances @ stats.binom.pmf(k, n, discordance))
    return min(total, 1.0)


def items_needed(
    margin: float, discordance: float, difference: float = 0.0, power: float = POWER, alpha: float = ALPHA
) -> int | None:
    """The number of items from which on the gate passes with probability ``power`` (see ``pass_probability``). None
    where no number does: the true difference is at or below -``margin``.

    Starts from the normal approximation and goes on exactly, by steps of one item in two hundred.
    """
    room = margin + difference
    if room <= 0:
        return None
    z = normal_quantile(1 - alpha) + normal_quantile(power)
    spread = max(discordance - difference**2, 0.0)
    rough = z**2 * spread / room**2
    n = max(2, math.ceil(rough * (0.8 if rough < 1000 else 0.98)))
    while n <= MOST:
        step = max(1, n // 200)
        # The exact chance climbs in a saw-tooth: the next few must hold as well.
        if all(pass_probability(m, margin, discordance, difference, alpha) >= power for m in (n, n + step)):
            return n
        n += step
    return None


def items_needed_for(n: int, half_width: float, room: float, power: float = POWER, alpha: float = ALPHA) -> int | None:
    """As ``items_needed`` for any metric, from what ``n`` items showed: ``half_width`` is the estimate minus its
    one-sided lower bound, ``room`` the expected difference plus the margin. Widths shrink with the root of n. None,
    too, where the width is not known."""
    if not (room > 0 and half_width > 0):
        return None
    za, zb = normal_quantile(1 - alpha), normal_quantile(power)
    return max(2, math.ceil(n * (half_width * (za + zb) / za / room) ** 2))
