"""Figures (matplotlib): learning curves, confusion matrices, a reliability diagram, training histories."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from harness.compare import Comparison, Row
from harness.errors import InputError, missing_extra
from harness.metrics.calibration import BINS

# Okabe and Ito (2008): told apart with any colour vision.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = "os^Dv*P"
NUMBERED = 20  # labels up to which a matrix shows its numbers
STYLE = {"svg.hashsalt": "harness", "font.size": 9, "axes.spines.top": False, "axes.spines.right": False}


def draw(comparison: Comparison, folder: Path) -> list[Path]:
    """Writes each figure that the rows allow as PNG and SVG below ``folder``; the same rows give the same bytes."""
    try:
        import matplotlib
    except ImportError:
        raise missing_extra("matplotlib", "figures", "Drawing figures") from None
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder}: figures cannot be written there: {error.strerror}.") from None
    paths = []
    with matplotlib.rc_context(STYLE):
        for name, figure in _figures(comparison):
            for kind in ("png", "svg"):
                path = folder / f"{comparison.task}-{name}.{kind}"
                date = {"Date": None} if kind == "svg" else {"Software": None}
                figure.savefig(path, dpi=150, metadata=date, bbox_inches="tight")
                paths.append(path)
    return paths


def _figures(comparison: Comparison) -> Iterator[tuple[str, Any]]:
    for name, make in (("shots", _shots), ("train", _train)):
        figure = make(comparison)
        if figure is not None:
            yield f"curve-{name}", figure
    yield "confusion", _confusion(comparison)
    stated = [row for row in comparison.rows if any(p.label_logprobs for p in row.run.predictions)]
    if stated:
        yield "reliability", _reliability(comparison, stated)
    watched = [row for row in comparison.rows if row.run.history]
    if watched:
        yield "training", _training(watched)


def _shots(comparison: Comparison) -> Any:
    """The metric against the number of demonstrations, a line a template and selector."""
    lines: dict[str, list[tuple[float, Row]]] = {}
    plain = [row for row in comparison.rows if row.prompted]
    selectors = {row.run.spec["selector"] for row in plain if row.run.spec["selector"]}
    for row in plain:
        spec = row.run.spec
        model = str(spec["model"]).rstrip("/").rsplit("/", 1)[-1]
        # Zero shots have no selector: they begin every selector's line.
        for selector in [spec["selector"]] if spec["selector"] else sorted(selectors):
            lines.setdefault(f"{model}, {spec['template']}, {selector}", []).append((spec["shots"], row))
    return _curves(comparison, lines, "demonstrations", log=False)


def _train(comparison: Comparison) -> Any:
    """The metric against the number of training examples, a line a baseline."""
    lines: dict[str, list[tuple[float, Row]]] = {}
    for row in comparison.rows:
        if not row.prompted:
            spec = row.run.spec
            name = f"{spec['predictor']} ({spec['model']})" if spec["model"] else str(spec["predictor"])
            lines.setdefault(name, []).append((spec["n_train"], row))
    return _curves(comparison, lines, "training examples", log=True)


def _curves(comparison: Comparison, lines: dict[str, list[tuple[float, Row]]], across: str, log: bool) -> Any:
    """None where no line has two points."""
    from matplotlib.figure import Figure

    if not any(len({x for x, _ in points}) > 1 for points in lines.values()):
        return None
    figure = Figure(figsize=(6.4, 3.8))
    axes = figure.subplots()
    for i, (name, points) in enumerate(lines.items()):
        points.sort(key=lambda point: point[0])
        x = [point[0] for point in points]
        scores = [row.score for _, row in points]
        colour = COLOURS[i % len(COLOURS)]
        axes.plot(x, [s.value for s in scores], MARKERS[i % len(MARKERS)] + "-", color=colour, label=name, markersize=5)
        axes.fill_between(x, [s.low for s in scores], [s.high for s in scores], color=colour, alpha=0.15, linewidth=0)
    ticks = sorted({x for points in lines.values() for x, _ in points})
    if log:
        axes.set_xscale("log")
        axes.minorticks_off()
    axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
    axes.set_xlabel(across)
    axes.set_ylabel(comparison.metric)
    axes.set_title(f"{comparison.task}: {comparison.n:,} items, bands of 95 %")
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False)
    return figure


def _confusion(comparison: Comparison) -> Any:
    """A matrix a row of the table, summed over its seeds; each line is a share of the items of that label."""
    from matplotlib.figure import Figure

    labels = comparison.rows[0].run.labels
    wide = min(3, len(comparison.rows))
    tall = math.ceil(len(comparison.rows) / wide)
    figure = Figure(figsize=(3.4 * wide, 3.2 * tall), layout="constrained")
    panels = figure.subplots(tall, wide, squeeze=False).ravel()
    for axes, row in zip(panels, comparison.rows, strict=False):
        counts = _counts(row, labels)
        said = [*labels, "none"] if counts[:, -1].any() else list(labels)
        counts = counts[:, : len(said)]
        shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
        axes.set_title(row.label, fontsize=8)
        if len(labels) <= NUMBERED:
            axes.set_xticks(range(len(said)), said, rotation=45, ha="right", fontsize=7)
            axes.set_yticks(range(len(labels)), labels, fontsize=7)
            for (i, j), count in np.ndenumerate(counts):
                axes.text(
                    j, i, f"{count:.0f}", ha="center", va="center", fontsize=7, color="k" if shares[i, j] < 0.6 else "w"
                )
        axes.set_xlabel("answer", fontsize=8)
        axes.set_ylabel("label", fontsize=8)
    for axes in panels[len(comparison.rows) :]:
        axes.set_visible(False)
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


def _reliability(comparison: Comparison, rows: Sequence[Row]) -> Any:
    """Accuracy against stated probability, and below it how many items state it."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 4.6))
    axes, below = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    axes.plot([0, 1], [0, 1], ":", color="grey", linewidth=1)
    for i, row in enumerate(rows):
        stated = [
            (math.exp(max(p.label_logprobs)), p.output == e.target)
            for run in row.runs
            for p, e in zip(run.predictions, run.examples, strict=True)
            if p.label_logprobs is not None
        ]
        confidence, right = np.array(stated, float).T
        places = np.minimum((confidence * BINS).astype(int), BINS - 1)
        used = np.unique(places)
        x = [confidence[places == place].mean() for place in used]
        colour = COLOURS[i % len(COLOURS)]
        sizes = [int((places == place).sum()) for place in used]
        y = [right[places == place].mean() for place in used]
        gap = sum(size * abs(a - b) for size, a, b in zip(sizes, x, y, strict=True)) / len(right)
        marker = MARKERS[i % len(MARKERS)]
        axes.plot(x, y, marker + "-", color=colour, label=f"{row.label}, ECE {gap:.3f}", markersize=4)
        below.plot(x, sizes, marker + "-", color=colour, markersize=3)
    axes.set_ylabel("accuracy")
    axes.set_title(f"{comparison.task}: reliability, {BINS} bins")
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False, fontsize=8)
    below.set_ylabel("items")
    below.set_xlabel("stated probability of the answer")
    below.set_xlim(0, 1)
    return figure


def _training(rows: Sequence[Row]) -> Any:
    """Loss (left) and dev metric (right) by epoch, a line a run."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.0, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    for i, row in enumerate(rows):
        colour = COLOURS[i % len(COLOURS)]
        for run in row.runs:
            x = [epoch["epoch"] for epoch in run.history]
            name = row.label if run is row.run else None
            left.plot(x, [epoch["loss"] for epoch in run.history], "-", color=colour, label=name)
            if "dev_loss" in run.history[0]:
                left.plot(x, [epoch["dev_loss"] for epoch in run.history], "--", color=colour)
                right.plot(x, [epoch["dev_macro_f1"] for epoch in run.history], "--", color=colour)
    left.set_xlabel("epoch")
    left.set_ylabel("loss (dashed: dev)")
    right.set_xlabel("epoch")
    right.set_ylabel("dev macro-F1")
    figure.legend(loc="outside lower center", frameon=False, fontsize=8, ncols=2)
    return figure
