"""Numbers as the page has them: few digits, and null for what is not known."""

from __future__ import annotations

import math
from collections.abc import Iterable

from harness.stats.intervals import Estimate

DIGITS = 6  # that are kept of a value
Bounds = list[float | None]


def plain(value: float | None) -> float | None:
    """A number, or null where there is none."""
    if value is None or not math.isfinite(value):
        return None
    short = float(f"{value:.{DIGITS}g}")
    return int(short) if short.is_integer() else short


def bounds(found: Estimate) -> Bounds:
    """Value and interval."""
    return [plain(found.value), plain(found.low), plain(found.high)]


def turned(found: Estimate) -> Estimate:
    """A difference seen from the other side."""
    return Estimate(0.0 - found.value, 0.0 - found.high, 0.0 - found.low)


def thousandths(values: Iterable[float]) -> list[float]:
    """Scores, rounded to thousandths."""
    return [int(short) if (short := round(float(value), 3)).is_integer() else short for value in values]
