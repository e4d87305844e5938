"""A workbook for a spreadsheet: a sheet a table, its numbers as numbers, and a sheet of notes and signatures."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import Any

from harness import escape, secret
from harness.compare.differences import Comparison
from harness.errors import missing_extra
from harness.report.cells import footer, signatures
from harness.report.columns import columns
from harness.report.numbers import TEXT, Value
from harness.report.sections import groups

NOTES = "notes"
NAME = 31  # characters of a sheet's name
BARRED = str.maketrans(dict.fromkeys("[]:*?/\\'", "-"))  # which no sheet's name may hold
WIDEST = 60  # characters of a column


def render(comparisons: Sequence[Comparison]) -> bytes:
    """The workbook's bytes. Raises InputError where openpyxl is not installed."""
    try:
        from openpyxl import Workbook
    except ImportError:
        raise missing_extra("openpyxl", "excel", "--format xlsx") from None
    book = Workbook()
    book.remove(book.active)
    names = _names([comparison.task for comparison in comparisons])
    for name, comparison in zip(names, comparisons, strict=True):
        _fill(book.create_sheet(name), list(_table(comparison)))
    _fill(book.create_sheet(NOTES), [[("table", TEXT), ("kind", TEXT), ("text", TEXT)], *_notes(names, comparisons)])
    book.save(out := io.BytesIO())
    return out.getvalue()


Cell = tuple[Value, str]
"""What a cell holds, and its number format."""


def _table(comparison: Comparison) -> Iterator[list[Cell]]:
    """The header, and a line a row: an estimate takes three columns, a count one, and the rest is text."""
    found = [part for column in columns(comparison) for part in column.parts]
    yield [*((part.title, TEXT) for part in found), ("group", TEXT)]
    for row, group in zip(comparison.rows, groups(comparison.rows), strict=True):
        yield [*((part.value(row), part.format) for part in found), (group, TEXT)]


def _notes(names: Sequence[str], comparisons: Sequence[Comparison]) -> Iterator[list[Cell]]:
    for name, comparison in zip(names, comparisons, strict=True):
        for kind, lines in (("note", footer(comparison)), ("signature", signatures(comparison))):
            for line in lines:
                yield [(name, TEXT), (kind, TEXT), (line, TEXT)]


def _names(tasks: Sequence[str]) -> list[str]:
    """A name for each sheet; case does not tell them apart."""
    names: list[str] = []
    for task in tasks:
        name = start = escape.line(task).translate(BARRED)[:NAME]
        turn = 1
        while name.lower() in {NOTES, "history", *map(str.lower, names)}:
            turn += 1
            name = f"{start[: NAME - len(str(turn)) - 1]} {turn}"
        names.append(name)
    return names


def _fill(sheet: Any, rows: Sequence[Sequence[Cell]]) -> None:
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    for i, row in enumerate(rows, 1):
        for j, (value, form) in enumerate(row, 1):
            _put(sheet.cell(i, j), value, form)
    for cell in sheet[1]:
        cell.font = Font(bold=True)
    for j, column in enumerate(zip(*rows, strict=True), 1):
        widest = max(len(str(value)) if isinstance(value, str) else 8 for value, _ in column)
        sheet.column_dimensions[get_column_letter(j)].width = min(widest, WIDEST) + 2
    sheet.freeze_panes = "B2"


def _put(cell: Any, value: Value, form: str) -> None:
    """Text stays text, whatever it begins with, and where it is edited, too."""
    if not isinstance(value, str):
        cell.value = value
        cell.number_format = form
        return
    shown = escape.line(secret.hidden(value))
    cell.value = shown
    cell.data_type = "s"
    cell.number_format = TEXT
    cell.quotePrefix = escape.csv(shown) != shown
