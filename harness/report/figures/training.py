"""Training histories."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.compare.differences import Row
from harness.report.figures.drawing import look, shown


def draw(rows: Sequence[Row]) -> Any:
    """Loss, and beside it the dev metric where a run has it, by epoch; a line a run."""
    from matplotlib.figure import Figure

    watched = any("dev_loss" in run.history[0] for row in rows for run in row.runs)
    figure = Figure(figsize=(8.0 if watched else 4.6, 3.6), layout="constrained")
    left, *others = figure.subplots(1, 2 if watched else 1, squeeze=False)[0]
    for i, row in enumerate(rows):
        style = {**look(i), "markersize": 4}
        for run in row.runs:
            x = [epoch["epoch"] for epoch in run.history]
            name = row.label if run is row.run else None
            left.plot(x, [epoch["loss"] for epoch in run.history], "-", **style, label=name and shown(name))
            if "dev_loss" in run.history[0]:
                left.plot(x, [epoch["dev_loss"] for epoch in run.history], "--", **style)
                others[0].plot(x, [epoch["dev_macro_f1"] for epoch in run.history], "--", **style)
    left.set_xlabel("epoch")
    left.set_ylabel("loss (dashed: dev)" if watched else "loss")
    for right in others:
        right.set_xlabel("epoch")
        right.set_ylabel("dev macro-F1")
    figure.legend(loc="outside lower center", frameon=False, fontsize=8, ncols=2)
    return figure
