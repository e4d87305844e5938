"""How small a difference the data at hand could show."""

from __future__ import annotations

import math

from scipy import stats


def minimum_detectable(n: int, discordance: float, level: float = 0.95, power: float = 0.8) -> float:
    """The smallest true difference of two accuracies that a paired two-sided test on ``n`` items finds with
    probability ``power``, when a share ``discordance`` of items is right for one predictor only (Connor, 1987:
    n d^2 = (z_a sqrt(q) + z_b sqrt(q - d^2))^2 for the difference d and discordance q). NaN for n < 2 or q = 0."""
    if n < 2 or discordance <= 0:
        return math.nan
    za, zb = float(stats.norm.ppf(0.5 + level / 2)), float(stats.norm.ppf(power))
    low, high = 0.0, 1.0
    for _ in range(60):
        d = (low + high) / 2
        reached = n * d * d >= (za * math.sqrt(discordance) + zb * math.sqrt(max(discordance - d * d, 0))) ** 2
        low, high = (low, d) if reached else (d, high)
    return high
