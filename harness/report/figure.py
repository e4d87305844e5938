"""Figures (matplotlib): one a file in ``figures``, one line here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from harness import aside
from harness.compare import curves
from harness.compare.differences import Comparison
from harness.errors import missing_extra


def draw(comparison: Comparison, folder: Path, more: Iterable[tuple[str, Any]] = ()) -> list[Path]:
    """Writes each figure that the rows allow, and those of ``more`` with their names, as PNG and SVG below ``folder``;
    the same rows give the same bytes."""
    return write(comparison.task, chain(_figures(comparison), more), folder)


def write(stem: str, figures: Iterable[tuple[str, Any]], folder: Path) -> list[Path]:
    """Writes ``figures``, drawn as they are asked for, as PNG and SVG below ``folder``: ``STEM-NAME.png``."""
    paths = []
    for name, kind, drawn in _contents(figures, ("png", "svg")):
        path = folder / f"{stem}-{name}.{kind}"
        aside.write(path, drawn)
        paths.append(path)
    return paths


def contents(
    comparison: Comparison, kinds: Sequence[str], more: Iterable[tuple[str, Any]] = ()
) -> Iterator[tuple[str, str, bytes]]:
    """Name, kind of file and bytes of each figure that the rows allow, and of ``more``."""
    return _contents(chain(_figures(comparison), more), kinds)


def _contents(figures: Iterable[tuple[str, Any]], kinds: Sequence[str]) -> Iterator[tuple[str, str, bytes]]:
    try:
        import matplotlib
    except ImportError:
        raise missing_extra("matplotlib", "figures", "Drawing figures") from None
    from harness.report.figures import drawing

    with matplotlib.rc_context({**drawing.STYLE, "font.family": list(drawing.fonts())}):
        for name, figure in figures:
            for kind in kinds:
                yield name, kind, drawing.content(figure, kind)


def _figures(comparison: Comparison) -> Iterator[tuple[str, Any]]:
    from harness.report.figures import calibration, confusion, cost, reliability, training
    from harness.report.figures import curves as learning

    for name, lines in (("shots", curves.prompts(comparison)), ("train", curves.baselines(comparison))):
        if any(len(line.sizes) > 1 for line in lines):
            yield f"curve-{name}", learning.draw(comparison, lines)
    if comparison.kind.outputs:
        yield "confusion", confusion.draw(comparison)
    if stated := [row for row in comparison.rows if reliability.stated(row)]:
        yield "reliability", reliability.draw(stated)
    if pairs := calibration.pairs(comparison):
        yield "calibration", calibration.draw(pairs)
    if measures := cost.measures(comparison):
        yield "cost", cost.draw(comparison, measures)
    if watched := [row for row in comparison.rows if all(run.history for run in row.runs)]:
        yield "training", training.draw(watched)
