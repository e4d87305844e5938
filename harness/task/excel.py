"""Excel workbooks: one sheet's rows under its header."""

from __future__ import annotations

import datetime
import warnings
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any

from harness.errors import InputError, missing_extra
from harness.task.delimited import named, uneven
from harness.task.source import Read, Row, Source

BATCH = 1024  # rows read at once
ROWS = 1_048_576  # of a sheet, at most; a damaged file may claim more

Cells = tuple[int, list[Any]]


def read(source: Source, wanted: Sequence[str]) -> Read:
    """The rows of ``source``: of the first sheet whose header names all of ``wanted``, else of the first that holds
    anything. Empty rows are no rows, a formula is its last result, and a cell with an error is empty."""
    with _opened(source) as book:
        headers = {sheet.title: next(_filled(source, sheet), (0, []))[1] for sheet in book.worksheets}
    fits = [title for title, header in headers.items() if set(wanted) <= {str(name).strip() for name in header}]
    filled = [title for title, header in headers.items() if header]
    if not filled:
        raise InputError(f"{source.path}: no sheet holds anything. Put a header and rows in one.")
    title = (fits or filled)[0]
    return Read(f"Excel, sheet {title!r}", _rows(source, title))


@contextmanager
def _opened(source: Source) -> Iterator[Any]:
    try:
        import openpyxl
    except ImportError:
        raise missing_extra("openpyxl", "excel", f"Reading {source.path}") from None
    book = None
    try:
        with source.readable(), zipfile.ZipFile(source.path) as packed:
            source.check_room(sum(part.file_size for part in packed.infolist()))
        with source.readable(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of styles and the like, which are nothing to the data
            book = openpyxl.load_workbook(source.path, read_only=True, data_only=True)
        yield book
    except InputError:
        raise
    except Exception as error:  # openpyxl raises whatever a damaged file leads it to
        raise InputError(f"{source.path}: cannot be read as an Excel file: {error or type(error).__name__}.") from None
    finally:
        if book is not None:
            book.close()


def _rows(source: Source, title: str) -> Iterator[Row]:
    names: list[str] = []
    with _opened(source) as book:
        for number, cells in _filled(source, book[title]):
            where = f"{source.path}, sheet {title!r}, row {number}"
            if not names:
                names = named(["" if name is None else str(name).strip() for name in cells], where)
                continue
            if len(cells) > len(names):
                raise uneven(where, cells, names)
            yield where, dict(zip(names, cells + [None] * (len(names) - len(cells)), strict=True))


def _filled(source: Source, sheet: Any) -> Iterator[Cells]:
    """The sheet's rows that hold anything, up to their last cell that does, each with its number."""
    sheet.reset_dimensions()  # some programs write wrong ones
    rows = enumerate(sheet.iter_rows(), 1)
    while True:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of dates out of range: errors, and so empty
            batch = list(islice(rows, BATCH))
        if not batch:
            return
        for number, row in batch:
            if number > ROWS:
                raise InputError(f"{source.path}: damaged: sheet {sheet.title!r} claims more than {ROWS} rows.")
            cells = [_value(cell) for cell in row]
            while cells and cells[-1] is None:
                del cells[-1]
            if cells:
                yield number, cells


def _value(cell: Any) -> Any:
    if cell.data_type == "e":
        return None
    if isinstance(cell.value, datetime.datetime) and cell.value.time() == datetime.time():
        return cell.value.date()
    return cell.value
