"""Reliability diagrams: the share that comes true against the stated probability."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from harness import metrics
from harness.compare import differences
from harness.compare.differences import Row
from harness.metrics.calibration import BINS
from harness.report.figures.drawing import COLOURS, panels

EDGES = np.arange(BINS) / BINS


def stated(row: Row) -> bool:
    """Whether each of its runs states probabilities."""
    return all(any(p.label_logprobs for p in run.predictions) for run in row.runs)


@dataclass(frozen=True, slots=True)
class Curve:
    """Of the bins that hold items: ``probability`` stated and ``accuracy``, on average. ``items`` is of all bins, and
    ``error`` the expected calibration error, the mean of the seeds', as in a table."""

    items: Any
    probability: Any
    accuracy: Any
    error: float


def curve(row: Row) -> Curve:
    """A row over all its seeds."""
    error = metrics.create("ece", row.run.kind)
    # (bins, 3): items, sum of stated probabilities, hits
    tables = [differences.statistics(run, error) for run in row.runs]
    items, said, hits = sum(table.sum(0) for table in tables).reshape(BINS, 3).T
    used = items > 0
    gap = float(np.mean([error.score(table.sum(0))[0] for table in tables]))
    return Curve(items, said[used] / items[used], hits[used] / items[used], gap)


def frame(axes: Any, items: float) -> None:
    """The axes of a diagram, and the line on which all is as it is stated."""
    axes.plot([0, 1], [0, 1], ":", color="grey", linewidth=1)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1.02)
    axes.set_xlabel(f"stated probability ({items:,.0f} answers)", fontsize=8)
    axes.set_ylabel("accuracy", fontsize=8)
    axes.legend(loc="upper left", frameon=False, fontsize=7)


def draw(rows: Sequence[Row]) -> Any:
    """A panel a row; bars say how many items state a probability."""
    figure, made = panels([row.label for row in rows], 3.4, 3.2)
    for axes, row in zip(made, rows, strict=True):
        found = curve(row)
        share = found.items / found.items.sum()
        axes.bar(EDGES, share, width=1 / BINS, align="edge", color="0.85", label="share of items")
        label = f"accuracy, ECE {found.error:.3f}"
        axes.plot(found.probability, found.accuracy, "o-", color=COLOURS[0], markersize=4, label=label)
        frame(axes, found.items.sum())
    return figure
