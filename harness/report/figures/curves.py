"""Learning curves: the metric along demonstrations, or training examples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.compare import curves
from harness.compare.curves import Line
from harness.compare.differences import Comparison
from harness.report.figures.drawing import look, shown

ACROSS = {curves.SHOTS: "demonstrations", curves.TRAIN: "training examples"}


def draw(comparison: Comparison, lines: Sequence[Line]) -> Any:
    """The metric along lines of which one at least has two points."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 3.8))
    axes = figure.subplots()
    across = lines[0].across
    for place, line in enumerate(lines):
        x, scores = list(map(line.place, line.rows)), [row.score for row in line.rows]
        style = look(place)
        axes.plot(x, [score.value for score in scores], "-", **style, label=shown(line.name), markersize=5)
        low, high = [score.low for score in scores], [score.high for score in scores]
        if len(x) > 1:
            axes.fill_between(x, low, high, color=style["color"], alpha=0.15, linewidth=0)
        axes.vlines(x, low, high, color=style["color"], alpha=0.5, linewidth=1)
    drawn = [row for line in lines for row in line.rows]
    for row in comparison.rows:
        if row.difference is None and row not in drawn:
            axes.axhline(
                row.score.value,
                color="grey",
                linestyle="--",
                linewidth=1,
                label=shown(f"reference: {row.label}"),
            )
            axes.axhspan(row.score.low, row.score.high, color="grey", alpha=0.1, linewidth=0)
    ticks = sorted({size for line in lines for size in line.sizes})
    if across == curves.TRAIN:
        axes.set_xscale("log")
        axes.minorticks_off()
    axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
    axes.set_xlabel(ACROSS[across])
    axes.set_ylabel(shown(comparison.metric))
    axes.set_title(shown(f"{comparison.task}: {comparison.n:,} items, bands of 95 %"))
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False)
    return figure
