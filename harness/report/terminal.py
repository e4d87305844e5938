"""A table for a terminal (rich)."""

from __future__ import annotations

import io
from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness import escape
from harness.compare.differences import Comparison
from harness.report.cells import cells, footer, header


def render(comparisons: Sequence[Comparison]) -> str:
    """Plain text, as wide as its content needs, so that a pipe gets what a screen shows."""
    return "\n\n\n".join(map(_one, comparisons))


def _one(comparison: Comparison) -> str:
    titles = [escape.line(title) for title in header(comparison)]
    rows = [[escape.line(cell) for cell in cells(comparison, row)] for row in comparison.rows]
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for title in titles:
        left = title == "predictor"
        # As Text: in a string rich would look for markup, emoji and numbers.
        table.add_column(Text(title), justify="left" if left else "right", no_wrap=True)
    for row in rows:
        table.add_row(*map(Text, row))
    wide = sum(max(map(cell_len, column)) + 3 for column in zip(titles, *rows, strict=True))
    lines = _printed(table, wide)
    width = max(map(cell_len, lines))
    notes = [part for line in footer(comparison) for part in _printed(Text(escape.line(line)), width)]
    return "\n".join(lines).strip("\n") + "\n\n" + "\n".join(notes)


def _printed(what: Table | Text, width: int) -> list[str]:
    Console(file=(out := io.StringIO()), width=width).print(what)
    return [line.rstrip() for line in out.getvalue().split("\n")[:-1]]
