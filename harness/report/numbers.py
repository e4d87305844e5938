"""Numbers as tables say them, and as parts for programs: bounds apart, with how a spreadsheet shows them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from harness.compare.differences import Row
from harness.stats.intervals import Estimate

DASH = "–"
Value = float | str | None
SHARE, SIGNED, P, COUNT, SECONDS, MONEY, TEXT = (
    *("0.000", "+0.000;-0.000;0.000", '[<0.001]"<0.001";0.000', "#,##0", "#,##0.0", "0.0000", "@"),
)


def number(value: float) -> str:
    """A share with three decimals; a dash where it is unknown."""
    return DASH if math.isnan(value) else f"{value:.3f}"


def interval(estimate: Estimate | None, sign: bool = False) -> str:
    """Value and bounds, such as ``0.812 [0.764, 0.852]``."""
    if estimate is None or math.isnan(estimate.value):
        return DASH
    plus = "+" if sign else ""
    value = f"{estimate.value:{plus}.3f}"
    return f"{value} [{estimate.low:{plus}.3f}, {estimate.high:{plus}.3f}]" if not math.isnan(estimate.low) else value


def p(value: float | None) -> str:
    """A p value; empty on the reference, a dash where it is unknown."""
    if value is None:
        return ""
    return DASH if math.isnan(value) else "<0.001" if value < 0.001 else f"{value:.3f}"


@dataclass(frozen=True, slots=True)
class Part:
    """A title, what a row holds under it (None where that is unknown), and its number format in a spreadsheet."""

    title: str
    of: Callable[[Row], Value]
    format: str

    def value(self, row: Row) -> Value:
        """What the row holds; unknown is not a number."""
        found = self.of(row)
        return None if isinstance(found, float) and math.isnan(found) else found


def bounds(title: str, of: Callable[[Row], Estimate | None], form: str = SHARE) -> tuple[Part, ...]:
    """An estimate as value, low and high."""

    def part(name: str, which: str) -> Part:
        return Part(name, lambda row: None if (found := of(row)) is None else float(getattr(found, which)), form)

    return part(title, "value"), part(f"{title}, low", "low"), part(f"{title}, high", "high")
