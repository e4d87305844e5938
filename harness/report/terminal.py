"""A table for a terminal (rich)."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from itertools import zip_longest

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness import escape
from harness.compare.differences import Comparison
from harness.report.cells import footer, header
from harness.report.sections import Part, parts


def render(comparisons: Sequence[Comparison]) -> str:
    """Plain text, as wide as its content needs, so that a pipe gets what a screen shows."""
    return "\n\n\n".join(map(_one, comparisons))


def _one(comparison: Comparison) -> str:
    return table(header(comparison), parts(comparison), [footer(comparison)], left=("predictor",))


def table(titles: Sequence[str], rows: Sequence[Part], notes: Sequence[Sequence[str]], left: Sequence[str]) -> str:
    """A table with columns that are ``left`` or right, and below it paragraphs of lines, as wide as it."""
    titles, lines = list(map(escape.line, titles)), list(_rows(rows))
    made = Table(box=SIMPLE_HEAD, pad_edge=False)
    for title in titles:
        # As Text: in a string rich would look for markup, emoji and numbers.
        made.add_column(Text(title), justify="left" if title in left else "right", no_wrap=True)
    for row in lines:
        made.add_row(*map(Text, row))
    columns = zip_longest(titles, *lines, fillvalue="")
    shown = _printed(made, sum(max(map(cell_len, column)) + 3 for column in columns))
    width = max(map(cell_len, shown))
    told = ["\n".join(part for line in each for part in _printed(Text(escape.line(line)), width)) for each in notes]
    return "\n\n".join(["\n".join(shown).strip("\n"), *told])


def _rows(rows: Sequence[Part]) -> Iterator[list[str]]:
    """The cells of each row; a part's heading stands alone, and its rows further in."""
    for heading, own in rows:
        if heading:
            yield [escape.line(heading)]
        for row in own:
            first, *others = map(escape.line, row)
            yield [f"  {first}" if heading else first, *others]


def _printed(what: Table | Text, width: int) -> list[str]:
    Console(file=(out := io.StringIO()), width=width).print(what)
    return [line.rstrip() for line in out.getvalue().split("\n")[:-1]]
