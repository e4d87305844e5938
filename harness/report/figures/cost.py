"""What a score costs: each row a point with its interval, against time, tokens and money."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from typing import Any

from harness.compare.differences import Comparison, Row
from harness.report.figures.drawing import look, shown, wrapped

MEASURES: Mapping[str, Callable[[Row], float]] = {
    "seconds": lambda row: row.used("seconds"),
    "tokens computed and generated": lambda row: row.used("computed_tokens") + row.used("generated_tokens"),
    "money": lambda row: row.cost or 0.0,
}
NUMBER = 7  # points of the size of a row's number
# Where a number may stand: points right of its row's point, and above it; the nearest first.
STEPS = sorted(product(range(-60, 61, 4), repeat=2), key=lambda step: (step[0] ** 2 + step[1] ** 2, step))
NEAREST = 7
UNITS = ((1e9, "G"), (1e6, "M"), (1e3, "k"))
REACHES = ((15, (1, 2, 5)), (200, (1, 3)))  # how far an axis goes, and which numbers of a decade it then shows


def measures(comparison: Comparison) -> list[str]:
    """What two rows or more cost something of; a logarithm has no place for what is free."""
    rows = [row for row in comparison.rows if not row.recorded]
    return [name for name, of in MEASURES.items() if sum(of(row) > 0 for row in rows) > 1]


def draw(comparison: Comparison, names: Sequence[str]) -> Any:
    """A panel a measure; rows are numbered, in the order of the table, and the numbers told beside."""
    from matplotlib.figure import Figure

    rows = [row for row in comparison.rows if not row.recorded]
    figure = Figure(figsize=(4.2 * len(names), max(3.6, 0.17 * len(rows) + 0.6)))
    made = figure.subplots(1, len(names), sharey=True, squeeze=False)[0]
    figure.subplots_adjust(wspace=0.12)
    for axes, name in zip(made, names, strict=True):
        of = MEASURES[name]
        placed = [(i, row) for i, row in enumerate(rows) if of(row) > 0]
        for i, row in placed:
            style, score = look(i), row.score
            axes.vlines(of(row), score.low, score.high, color=style["color"], alpha=0.5, linewidth=1)
            axes.plot(
                of(row), score.value, linestyle="", **style, markersize=5, label=f"{i + 1}  {wrapped(row.label, 60)}"
            )
        axes.set_xscale("log")
        axes.margins(x=0.15)
        _tick(axes)
        axes.set_xlabel(name)
    for axes, name in zip(made, names, strict=True):  # now that no axis moves any more
        of = MEASURES[name]
        _number(axes, [(str(i), of(row), row.score.value) for i, row in enumerate(rows, 1) if of(row) > 0])
    made[0].set_ylabel(shown(comparison.metric))
    made[0].set_title(shown(f"{comparison.task}: {comparison.n:,} items, bars of 95 %"), loc="left")
    handles = {label: handle for axes in made for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)}
    ordered = sorted(handles, key=lambda label: int(label.split(maxsplit=1)[0]))
    made[-1].legend(
        [handles[label] for label in ordered],
        ordered,
        loc="upper left",
        bbox_to_anchor=(1.02, 1),
        frameon=False,
        fontsize=8,
    )
    return figure


def _tick(axes: Any) -> None:
    """Plain numbers on the logarithmic axis, few enough to stand beside each other."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    low, high = axes.get_xlim()
    between = next((subs for reach, subs in REACHES if high < reach * low), (1,))
    axes.xaxis.set_major_locator(LogLocator(subs=between))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _short(value)))
    axes.xaxis.set_minor_formatter(NullFormatter())


def _short(value: float) -> str:
    """Such as 0.05, 200, 50k or 3M."""
    unit, letter = next(((unit, letter) for unit, letter in UNITS if value >= unit), (1.0, ""))
    return f"{value / unit:.6f}".rstrip("0").rstrip(".") + letter


def _number(axes: Any, points: Sequence[tuple[str, float, float]]) -> None:
    """Write each number at the nearest place where it lies on no other number and no point."""
    axes.figure.draw_without_rendering()  # else the axes do not know their limits
    scale = 72 / axes.figure.dpi
    places = [tuple(scale * each for each in axes.transData.transform((x, y))) for _, x, y in points]
    taken = [(x - 4, y - 4, x + 4, y + 4) for x, y in places]
    for (text, x, y), (left, low) in zip(points, places, strict=True):
        (right, up), box = next(_free(len(text), left, low, taken), ((NEAREST, NEAREST), None))
        taken += [box] if box else []
        line = {"arrowstyle": "-", "color": "0.6", "linewidth": 0.5} if max(abs(right), abs(up)) > 2 * NEAREST else None
        axes.annotate(
            text,
            (x, y),
            (right, up),
            textcoords="offset points",
            ha="center",
            va="center",
            fontsize=NUMBER,
            arrowprops=line,
        )


Box = tuple[float, float, float, float]


def _free(letters: int, x: float, y: float, taken: Sequence[Box]) -> Iterator[tuple[tuple[float, float], Box]]:
    """The steps from a point at which so many letters, whose box comes with them, meet nothing that is taken."""
    wide, tall = 0.36 * NUMBER * letters, 0.62 * NUMBER
    for right, up in STEPS:
        box = (x + right - wide, y + up - tall, x + right + wide, y + up + tall)
        if not any(box[0] < b[2] and b[0] < box[2] and box[1] < b[3] and b[1] < box[3] for b in taken):
            yield (right, up), box
