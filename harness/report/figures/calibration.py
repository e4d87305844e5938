"""Reliability before and after calibration, of the same prompt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from harness.compare import groups
from harness.compare.differences import Comparison, Row
from harness.report.columns import calibrated
from harness.report.figures import reliability
from harness.report.figures.drawing import look, panels, shown

CALIBRATION = ("calibrate", "calibrate_on")  # of a signature: what calibrated rows differ by


@dataclass(frozen=True, slots=True)
class Pair:
    """A row whose probabilities are as the model gave them, and those that differ from it by calibration only."""

    before: Row
    after: tuple[Row, ...]


def pairs(comparison: Comparison) -> list[Pair]:
    """Every row that is there uncalibrated and calibrated, and states probabilities."""
    rows = [row for row in comparison.rows if not row.trained and reliability.stated(row)]
    found = []
    for before in rows:
        if not calibrated(before):
            after = tuple(row for row in rows if calibrated(row) and _asked(row) == _asked(before))
            found += [Pair(before, after)] if after else []
    return found


def _asked(row: Row) -> tuple[tuple[str, str], ...]:
    return groups.fixed(row.run, CALIBRATION)


def draw(found: Sequence[Pair]) -> Any:
    """A panel a prompt, its curves one over the other, with the expected calibration error of each."""
    figure, made = panels([pair.before.label for pair in found], 3.8, 3.6)
    for axes, pair in zip(made, found, strict=True):
        before = reliability.curve(pair.before)
        named = [("uncalibrated", before, {"color": "0.35", "marker": "o", "linestyle": "--"})]
        for place, row in enumerate(pair.after):
            name = shown(str(row.run.spec["calibration"]))
            named.append((name, reliability.curve(row), {**look(place), "linestyle": "-"}))
        for name, curve, style in named:
            label = f"{name}: ECE {curve.error:.3f}"
            axes.plot(curve.probability, curve.accuracy, **style, markersize=4, linewidth=1.2, label=label)
        reliability.frame(axes, before.items.sum())
    return figure
