"""The figures of a crossover (matplotlib): learning curves against prompts, and labels against a prompt's bill."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from harness import escape
from harness.compare.crossover import Crossover
from harness.compare.payback import Payback
from harness.report.figures.drawing import COLOURS, MARKERS

DASHES = ("--", ":", "-.", (0, (5, 1, 1, 1, 1, 1)))
YEARS = 3  # at most, of a bill


def figures(found: Crossover, paid: Sequence[Payback]) -> Iterator[tuple[str, Any]]:
    """Name and figure of each that there is something to draw for."""
    if found.curves:
        yield "crossover", _curves(found)
    bills = [each for each in paid if each.monthly > 0 and math.isfinite(each.labels.value)]
    if bills:
        yield "payback", _bills(found, bills)


def _axes(found: Crossover) -> tuple[Any, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 4.0))
    axes = figure.subplots()
    axes.set_title(escape.figure(f"{found.comparison.task}: {found.comparison.n:,} items, bands of 95 %"))
    return figure, axes


def _curves(found: Crossover) -> Any:
    """Points and the curve of each baseline, dashed beyond them, with its band; each prompt as a flat line with its
    band; a ring where they cross, with its
    interval."""
    figure, axes = _axes(found)
    for place, curve in enumerate(found.curves):
        colour = COLOURS[place % len(COLOURS)]
        marker = MARKERS[place % len(MARKERS)]
        points = [(row.run.spec["n_train"], row.score.value) for row in curve.line.rows]
        axes.plot(*zip(*points, strict=True), marker, color=colour, markersize=5, label=escape.figure(curve.name))
        sizes = np.array([size for size, _ in curve.fitted])
        at, low, high = (np.array([getattr(each, part) for _, each in curve.fitted]) for part in _PARTS)
        last = np.searchsorted(sizes, curve.sizes[-1])
        axes.plot(sizes[: last + 1], at[: last + 1], "-", color=colour, linewidth=1.5)
        axes.plot(sizes[last:], at[last:], "--", color=colour, linewidth=1)
        axes.fill_between(sizes, low, high, color=colour, alpha=0.12, linewidth=0)
    for place, row in enumerate(found.levels):
        name, dash = escape.figure(row.label), DASHES[place % len(DASHES)]
        axes.axhline(row.score.value, color="0.25", linestyle=dash, linewidth=1.2, label=name)
        if not math.isnan(row.score.low):
            axes.axhspan(row.score.low, row.score.high, color="grey", alpha=0.08, linewidth=0)
    for crossing in found.crossings:
        if 0 < crossing.at.value < math.inf:
            curve, level = crossing.curve, crossing.row.score.value
            ends = max(crossing.at.low, curve.sizes[0]), min(crossing.at.high, curve.end)
            axes.hlines(level, *ends, color=COLOURS[found.curves.index(curve) % len(COLOURS)], linewidth=3, alpha=0.4)
            axes.plot(crossing.at.value, level, "o", color="k", markersize=9, fillstyle="none")
    axes.set_xscale("log")
    axes.minorticks_off()
    ticks = sorted({size for curve in found.curves for size in (*curve.sizes, curve.end)})
    axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks], rotation=45, ha="right")
    axes.set_xlabel("labelled examples")
    axes.set_ylabel(escape.figure(found.comparison.metric))
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False)
    return figure


_PARTS = ("value", "low", "high")


def _bills(found: Crossover, bills: Sequence[Payback]) -> Any:
    """Money against months: what labels cost once, flat with its band, and what the prompt that they replace has cost
    by then."""
    figure, axes = _axes(found)
    longest = max(bill.months.value for bill in bills)
    months = np.array([0.0, min(max(2 * longest, 1.0), max(12.0 * YEARS, longest * 1.1))])
    prompts = list(dict.fromkeys(bill.crossing.prompt for bill in bills))
    for prompt in prompts:
        monthly = next(bill.monthly for bill in bills if bill.crossing.prompt == prompt)
        dash = DASHES[prompts.index(prompt) % len(DASHES)]
        axes.plot(months, monthly * months, color="0.25", linestyle=dash, label=escape.figure(f"{prompt}, paid so far"))
    for place, bill in enumerate(bills):
        colour, crossing = COLOURS[place % len(COLOURS)], bill.crossing
        name = f"labels for {crossing.curve.name} to match {crossing.prompt}"
        axes.axhline(bill.labels.value, color=colour, linewidth=1.5, label=escape.figure(name))
        high = bill.labels.high if math.isfinite(bill.labels.high) else crossing.curve.end * bill.terms.label
        axes.axhspan(bill.labels.low, high, color=colour, alpha=0.06, linewidth=0)
        axes.plot(bill.months.value, bill.labels.value, "o", color="k", markersize=9, fillstyle="none")
    axes.set_xlim(*months)
    axes.set_ylim(0, max(1.3 * max(bill.labels.value for bill in bills), 1e-9))
    axes.set_xlabel(f"months at {bills[0].terms.volume:,.0f} items")
    axes.set_ylabel("money")
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False, fontsize=8)
    return figure
