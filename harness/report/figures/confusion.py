"""Confusion matrices."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from harness.compare.differences import Comparison, Row
from harness.report.figures.drawing import panels, shown, size, wrapped

NUMBERED = 20  # labels up to which a matrix shows its numbers
NAMED = 120  # labels up to which each is named
WIDTH = 28  # letters of a label in a line
LINE = 0.1  # inches of a line of small type


def draw(comparison: Comparison) -> Any:
    """A matrix a row of the table, summed over its seeds; each line is a share of the items of that label. Panels are
    as large as the labels' names ask for."""
    labels = comparison.rows[0].run.kind.outputs
    step = math.ceil(len(labels) / NAMED)
    few = len(labels) <= NUMBERED
    names = [wrapped(label, WIDTH) if few else shown(label) for label in labels]
    room = size(names) + 0.6  # beside a matrix, and below it
    lines = max(1 + name.count("\n") for name in names)
    side = max(2.4, LINE * lines * len(names[::step]) * (1.5 if few else 1))
    figure, made = panels([row.label for row in comparison.rows], side + room, side + room + 0.4)
    for axes, row in zip(made, comparison.rows, strict=True):
        counts = _counts(row, labels)
        said = [*names, "none"] if counts[:, -1].any() else names
        counts = counts[:, : len(said)]
        shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
        axes.set_xticks(range(0, len(said), step), said[::step], rotation=45 if few else 90)
        for name in axes.get_xticklabels():
            name.set(ha="right" if few else "center")
        axes.set_yticks(range(0, len(labels), step), names[::step])
        axes.tick_params(labelsize=7 if few else 6)
        if few:
            for (i, j), count in np.ndenumerate(counts):
                colour = "k" if shares[i, j] < 0.6 else "w"
                axes.text(j, i, f"{count:.0f}", ha="center", va="center", fontsize=7, color=colour)
        axes.set_xlabel("answer", fontsize=8)
        axes.set_ylabel("label", fontsize=8)
    return figure


def _counts(row: Row, labels: Sequence[str]) -> Any:
    """(labels, labels + 1): items by label and answer, the last column for none."""
    place = {label: i for i, label in enumerate(labels)}
    counts = np.zeros((len(labels), len(labels) + 1))
    for run in row.runs:
        for example, prediction in zip(run.examples, run.predictions, strict=True):
            said = len(labels) if prediction.output is None else place[prediction.output]
            counts[place[example.target], said] += 1
    return counts
