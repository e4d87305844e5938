"""What is learnt on one task and tested on another, as a table."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict

from harness import escape
from harness.compare.transferred import Cell
from harness.errors import unknown
from harness.report.json import plain
from harness.report.numbers import DASH, interval, number, p
from harness.report.table import table

FORMATS = ("terminal", "markdown", "json")
HEAD = (
    "predictor",
    "learnt on",
    "tested on",
    "metric",
    "score",
    "learnt there",
    "difference",
    "p",
    "items",
    "left out",
)
NOTE = (
    "Learnt there: the same predictor, learnt on the task it is tested on, on the same items. Brackets: 95 % "
    "intervals, paired item by item; p is not adjusted for the number of cells. Left out: items whose label has no "
    "counterpart in the task that was learnt on. An answer that means none of the labels tested is wrong."
)


def known(form: str) -> None:
    """Raises InputError for a format that there is not."""
    if form not in FORMATS:
        raise unknown("format of transfer", form, FORMATS)


def render(cells: Sequence[Cell], form: str) -> str:
    """``terminal``, ``markdown`` or ``json``."""
    known(form)
    if form == "json":
        return json.dumps(plain([asdict(each) for each in cells]), indent=2, ensure_ascii=False)
    write: Callable[[str], str] = escape.markdown if form == "markdown" else escape.line
    lost = {_lost(each) for each in cells if each.left_out}
    return "\n\n".join([table([HEAD, *map(_cells, cells)], form, 4), "\n".join(map(write, [NOTE, *sorted(lost)]))])


def _lost(each: Cell) -> str:
    labels = ", ".join(f"{label} ({n:,})" for label, n in each.left_out.items())
    return f"{each.test}, learnt on {each.train}: no counterpart for {labels}."


def _cells(each: Cell) -> tuple[str, ...]:
    return (
        each.predictor,
        each.train,
        each.test,
        each.metric,
        number(each.score),
        number(each.own),
        DASH if each.difference is None else interval(each.difference, sign=True),
        DASH if each.p is None else p(each.p),
        f"{each.n:,}",
        f"{sum(each.left_out.values()):,}",
    )
