"""A table for a terminal (rich)."""

from __future__ import annotations

import io
from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from harness.compare.differences import Comparison
from harness.report.cells import cells, footer, header


def render(comparisons: Sequence[Comparison]) -> str:
    """Plain text, as wide as its content needs, so that a pipe gets what a screen shows."""
    return "\n\n\n".join(map(_one, comparisons))


def _one(comparison: Comparison) -> str:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for title in header(comparison):
        left = title == "predictor"
        table.add_column(title, justify="left" if left else "right", no_wrap=True)
    for row in comparison.rows:
        table.add_row(*cells(comparison, row))
    out = io.StringIO()
    console = Console(file=out, width=400)
    console.print(table)
    lines = [line.rstrip() for line in out.getvalue().splitlines()]
    wrapped = Console(file=(text := io.StringIO()), width=max(map(len, lines)), highlight=False, markup=False)
    for line in footer(comparison):
        wrapped.print(line)
    return "\n".join(lines).strip("\n") + "\n\n" + "\n".join(line.rstrip() for line in text.getvalue().splitlines())
