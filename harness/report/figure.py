"""Figures (matplotlib): learning curves, confusion matrices, a reliability diagram, training histories."""

from __future__ import annotations

import io
import math
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from harness import aside, escape, metrics
from harness.compare import differences, groups
from harness.compare.differences import Comparison, Row
from harness.errors import missing_extra
from harness.metrics.calibration import BINS

# Okabe and Ito (2008): told apart with any colour vision.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = "os^Dv*P"
NUMBERED = 20  # labels up to which a matrix shows its numbers
ACROSS = {"shots": "demonstrations", "n_train": "training examples"}
STYLE = {
    "svg.hashsalt": "harness",
    "text.parse_math": False,
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
}

Strand = tuple[tuple[str, str], ...]


def draw(comparison: Comparison, folder: Path) -> list[Path]:
    """Writes each figure that the rows allow as PNG and SVG below ``folder``; the same rows give the same bytes."""
    try:
        import matplotlib
    except ImportError:
        raise missing_extra("matplotlib", "figures", "Drawing figures") from None
    paths = []
    with matplotlib.rc_context(STYLE):
        for name, figure in _figures(comparison):
            for kind in ("png", "svg"):
                path = folder / f"{comparison.task}-{name}.{kind}"
                date = {"Date": None} if kind == "svg" else {"Software": None}
                drawn = io.BytesIO()
                figure.savefig(drawn, format=kind, dpi=150, metadata=date, bbox_inches="tight")
                aside.write(path, drawn.getvalue())
                paths.append(path)
    return paths


def _figures(comparison: Comparison) -> Iterator[tuple[str, Any]]:
    for name, make in (("shots", _shots), ("train", _train)):
        figure = make(comparison)
        if figure is not None:
            yield f"curve-{name}", figure
    yield "confusion", _confusion(comparison)
    stated = [row for row in comparison.rows if all(any(p.label_logprobs for p in run.predictions) for run in row.runs)]
    if stated:
        yield "reliability", _reliability(stated)
    watched = [row for row in comparison.rows if all(run.history for run in row.runs)]
    if watched:
        yield "training", _training(watched)


def _shots(comparison: Comparison) -> Any:
    """The metric against the number of demonstrations, a line a template, selector and order."""
    rows = [row for row in comparison.rows if row.prompted]
    lines: dict[Strand, list[Row]] = {}
    for row in rows:
        if row.run.spec["shots"]:
            lines.setdefault(_strand(row, ("shots",)), []).append(row)
    # Zero shots have no selector: they begin every line of the same template.
    starts = {_strand(row, ("shots",)): row for row in rows if not row.run.spec["shots"]}
    for strand, start in starts.items():
        alike = [each for each in lines if not set(strand) - set(each)]
        for each in alike or [strand]:
            lines.setdefault(each, []).append(start)
    return _curves(comparison, lines, "shots")


def _train(comparison: Comparison) -> Any:
    """The metric against the number of training examples, a line a baseline."""
    lines: dict[Strand, list[Row]] = {}
    for row in comparison.rows:
        if not row.prompted:
            # Samples that a selector drew, "5 shots (knn)", are no points of the curve of stratified ones.
            drawn = str(row.run.spec["train_size"] or "").partition(" shots ")[2]
            strand = (*_strand(row, ("train", "n_train")), *([("drawn by", drawn)] if drawn else []))
            lines.setdefault(strand, []).append(row)
    return _curves(comparison, lines, "n_train")


def _strand(row: Row, but: Sequence[str]) -> Strand:
    """What the points of one line share."""
    return groups.fixed(row.run, but)


def _names(lines: dict[Strand, list[Row]]) -> list[str]:
    """A few words for each line, and where others have the same, what tells them apart."""
    short = [_name(max((row.run.spec for row in rows), key=lambda spec: spec["shots"] or 0)) for rows in lines.values()]
    names = []
    for name, strand in zip(short, lines, strict=True):
        twins = [set(other) for title, other in zip(short, lines, strict=True) if title == name]
        own = [f"{key} {value}" for key, value in strand if any((key, value) not in twin for twin in twins)]
        names.append(", ".join([name, *own]))
    return names


def _name(spec: Mapping[str, Any]) -> str:
    model = str(spec["model"] or "").rstrip("/").rsplit("/", 1)[-1]
    if spec["predictor"] != "prompt":
        return f"{spec['predictor']} ({model})" if model else str(spec["predictor"])
    return ", ".join(filter(None, (model, spec["template"], spec["selector"])))


def _look(place: int) -> dict[str, Any]:
    """A colour and a marker, no pair of them used twice in 49."""
    turn = place // len(COLOURS)
    return {"color": COLOURS[place % len(COLOURS)], "marker": MARKERS[(place + turn) % len(MARKERS)]}


def _curves(comparison: Comparison, lines: dict[Strand, list[Row]], across: str) -> Any:
    """The metric against ``shots`` or ``n_train``; None where no line has two points."""
    from matplotlib.figure import Figure

    if not any(len({row.run.spec[across] for row in rows}) > 1 for rows in lines.values()):
        return None
    figure = Figure(figsize=(6.4, 3.8))
    axes = figure.subplots()
    for place, (name, rows) in enumerate(zip(_names(lines), lines.values(), strict=True)):
        points = sorted(((row.run.spec[across], row.score) for row in rows), key=lambda point: point[0])
        x, scores = zip(*points, strict=True)
        look = _look(place)
        axes.plot(x, [score.value for score in scores], "-", **look, label=escape.figure(name), markersize=5)
        low, high = [score.low for score in scores], [score.high for score in scores]
        if len(x) > 1:
            axes.fill_between(x, low, high, color=look["color"], alpha=0.15, linewidth=0)
        axes.vlines(x, low, high, color=look["color"], alpha=0.5, linewidth=1)
    drawn = [row for rows in lines.values() for row in rows]
    for row in comparison.rows:
        if row.difference is None and row not in drawn:
            axes.axhline(
                row.score.value,
                color="grey",
                linestyle="--",
                linewidth=1,
                label=escape.figure(f"reference: {row.label}"),
            )
            axes.axhspan(row.score.low, row.score.high, color="grey", alpha=0.1, linewidth=0)
    ticks = sorted({row.run.spec[across] for row in drawn})
    if across == "n_train":
        axes.set_xscale("log")
        axes.minorticks_off()
    axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
    axes.set_xlabel(ACROSS[across])
    axes.set_ylabel(escape.figure(comparison.metric))
    axes.set_title(escape.figure(f"{comparison.task}: {comparison.n:,} items, bands of 95 %"))
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False)
    return figure


def _panels(rows: Sequence[Row], height: float) -> tuple[Any, list[Any]]:
    """A figure with a panel for each row, titled."""
    from matplotlib.figure import Figure

    wide = min(3, len(rows))
    tall = math.ceil(len(rows) / wide)
    figure = Figure(figsize=(3.4 * wide, height * tall), layout="constrained")
    panels = list(figure.subplots(tall, wide, squeeze=False).ravel())
    for axes in panels[len(rows) :]:
        axes.set_visible(False)
    for axes, row in zip(panels, rows, strict=False):
        axes.set_title(textwrap.fill(escape.figure(row.label), 44), fontsize=8)
    return figure, panels[: len(rows)]


def _confusion(comparison: Comparison) -> Any:
    """A matrix a row of the table, summed over its seeds; each line is a share of the items of that label."""
    labels = comparison.rows[0].run.kind.outputs
    shown = list(map(escape.figure, labels))
    figure, panels = _panels(comparison.rows, 3.2)
    for axes, row in zip(panels, comparison.rows, strict=True):
        counts = _counts(row, labels)
        said = [*shown, "none"] if counts[:, -1].any() else shown
        counts = counts[:, : len(said)]
        shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
        step = math.ceil(len(labels) / NUMBERED)
        axes.set_xticks(range(0, len(said), step), said[::step], rotation=45 if step == 1 else 90, ha="right")
        axes.set_yticks(range(0, len(labels), step), shown[::step])
        axes.tick_params(labelsize=7 if step == 1 else 4)
        if step == 1:
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


def _reliability(rows: Sequence[Row]) -> Any:
    """Accuracy against stated probability, a panel a row over all its seeds; bars say how many items state it. The
    error is the mean of the seeds', as in a table."""
    figure, panels = _panels(rows, 3.2)
    error = metrics.create("ece", rows[0].run.kind)
    for axes, row in zip(panels, rows, strict=True):
        # (bins, 3): items, sum of stated probabilities, hits
        tables = [differences.statistics(run, error) for run in row.runs]
        items, stated, hits = sum(table.sum(0) for table in tables).reshape(BINS, 3).T
        used = items > 0
        edges = np.arange(BINS) / BINS
        axes.bar(edges, items / items.sum(), width=1 / BINS, align="edge", color="0.85", label="share of items")
        axes.plot([0, 1], [0, 1], ":", color="grey", linewidth=1)
        gap = np.mean([error.score(table.sum(0))[0] for table in tables])
        x, y = stated[used] / items[used], hits[used] / items[used]
        axes.plot(x, y, "o-", color=COLOURS[0], markersize=4, label=f"accuracy, ECE {gap:.3f}")
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 1.02)
        axes.set_xlabel(f"stated probability ({items.sum():,.0f} answers)", fontsize=8)
        axes.set_ylabel("accuracy", fontsize=8)
        axes.legend(loc="upper left", frameon=False, fontsize=7)
    return figure


def _training(rows: Sequence[Row]) -> Any:
    """Loss, and beside it the dev metric where a run has it, by epoch; a line a run."""
    from matplotlib.figure import Figure

    watched = any("dev_loss" in run.history[0] for row in rows for run in row.runs)
    figure = Figure(figsize=(8.0 if watched else 4.6, 3.6), layout="constrained")
    left, *others = figure.subplots(1, 2 if watched else 1, squeeze=False)[0]
    for i, row in enumerate(rows):
        look = {**_look(i), "markersize": 4}
        for run in row.runs:
            x = [epoch["epoch"] for epoch in run.history]
            name = row.label if run is row.run else None
            left.plot(x, [epoch["loss"] for epoch in run.history], "-", **look, label=name and escape.figure(name))
            if "dev_loss" in run.history[0]:
                left.plot(x, [epoch["dev_loss"] for epoch in run.history], "--", **look)
                others[0].plot(x, [epoch["dev_macro_f1"] for epoch in run.history], "--", **look)
    left.set_xlabel("epoch")
    left.set_ylabel("loss (dashed: dev)" if watched else "loss")
    for right in others:
        right.set_xlabel("epoch")
        right.set_ylabel("dev macro-F1")
    figure.legend(loc="outside lower center", frameon=False, fontsize=8, ncols=2)
    return figure
