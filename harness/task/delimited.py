"""Delimited text (CSV, TSV and their kin): strictly one row under one header."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

from harness.errors import InputError
from harness.task.source import LONGEST, Read, Row, Source

DELIMITERS = (",", ";", "\t", "|", ":", "^", "~", "\x1f", "\x01")
NAMES = {"\t": "tab", "\x1f": "unit separator", "\x01": "control-A"}
START = 20  # lines that a header is looked for in
QUOTED = re.compile(r'"(?:[^"]+|"")*')
LINE_END = re.compile(r"\r\n|\r|\n")
FIELD = 2**31 - 1  # characters of a cell; csv's own limit is 131,072


def read(source: Source, wanted: Sequence[str], usual: str) -> Read:
    """The rows below the header of ``source``.

    The delimiter is the one that makes the header name all of ``wanted``, ``usual`` before others; where none does,
    the one that cuts it into the most columns, for the error that follows to list them.
    """
    start = list(islice(source.lines(), START))
    headers = {delimiter: _header(start, delimiter) for delimiter in dict.fromkeys((usual, *DELIMITERS))}
    fits = [delimiter for delimiter, names in headers.items() if set(wanted) <= set(names)]
    delimiter = fits[0] if fits else max(headers, key=lambda each: len(headers[each]))
    return Read(f"delimiter {NAMES.get(delimiter, repr(delimiter))}, {source.encoding}", _rows(source, delimiter))


def _header(start: Iterable[str], delimiter: str) -> list[str]:
    with suppress(csv.Error):
        return next(([name.strip() for name in row] for row in csv.reader(start, delimiter=delimiter) if row), [])
    return []


class _Lines:
    """A source's lines, counted; ``record`` are those taken since it was last cleared."""

    def __init__(self, source: Source) -> None:
        self._path, self._lines = source.path, source.lines()
        self.taken = self._size = 0
        self.record: list[str] = []

    def __iter__(self) -> Iterator[str]:
        for line in self._lines:
            self.taken += 1
            self.record.append(line)
            self._size += len(line)
            if self._size > LONGEST:
                raise InputError(
                    f"{self._path}, line {self.taken - len(self.record) + 1}: a row of more than {LONGEST:,} "
                    "characters. A quote in it may not be closed."
                )
            yield line

    def clear(self) -> None:
        self.record.clear()
        self._size = 0


def _rows(source: Source, delimiter: str) -> Iterator[Row]:
    lines, names = _Lines(source), list[str]()
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        first = lines.taken + 1
        lines.clear()
        try:
            fields = _next(reader)
        except csv.Error as error:
            raise _damaged(source.path, first, "".join(lines.record), delimiter, error) from None
        if fields is None:
            return
        where = f"{source.path}, line {first}"
        if not names:
            names = named([name.strip() for name in fields], where) if fields else []
        elif fields:  # a blank line is no row
            if len(fields) != len(names):
                raise uneven(where, fields, names, delimiter, lines.taken - first)
            yield where, dict(zip(names, fields, strict=True))


def _next(reader: Iterator[list[str]]) -> list[str] | None:
    """The next record, of cells of any size. csv's limit is the process's, and others may count on theirs."""
    limit = csv.field_size_limit(FIELD)
    try:
        return next(reader, None)
    finally:
        csv.field_size_limit(limit)


def named(names: list[str], where: str) -> list[str]:
    """``names`` of columns if each is there, once. The first may be empty: so pandas writes an index."""
    for place, name in enumerate(names[1:], 2):
        if not name:
            raise InputError(f"{where}: column {place} of {len(names)} has no name. Name it, or take it out.")
    name, times = Counter(names).most_common(1)[0]
    if times > 1:
        raise InputError(f"{where}: {times} columns are called {name!r}. Give each a name of its own.")
    return names


def uneven(where: str, fields: list[Any], names: list[str], delimiter: str = "", more: int = 0) -> InputError:
    """The error for a row of more or fewer fields than columns, which takes up ``more`` lines after its first."""
    shown = ", ".join(names[:10]) + (", …" if len(names) > 10 else "")
    counts = f"{len(fields)} {'field' if len(fields) == 1 else 'fields'}, where the header names {len(names)} ({shown})"
    if len(fields) < len(names):
        mend = "Give it the missing ones, empty if need be."
    elif delimiter:
        mend = f"Put a field that holds {NAMES.get(delimiter, repr(delimiter))} in double quotes."
    else:
        mend = "Name their columns, or take them out."
    if more:
        mend = f"It takes up {more + 1} lines: a quote in it may not be closed. {mend}"
    return InputError(f"{where}: {counts}. {mend}")


def _damaged(path: Path, first: int, record: str, delimiter: str, error: csv.Error) -> InputError:
    """What is wrong with ``record``, which begins in line ``first``: almost always a quote."""
    found = _quote(record, delimiter)
    if found is None:
        return InputError(f"{path}, line {first}: cannot be read: {error}.")
    opens, closes = (first + len(LINE_END.findall(record, 0, place)) for place in found)
    if found[1] == len(record):
        return InputError(
            f"{path}, line {opens}: the quote that opens here is never closed. Close it, or write a quote that is "
            "part of the text as two, in a field that is itself in quotes."
        )
    return InputError(
        f"{path}, line {opens}: the quote that opens here is closed in line {closes} where more text follows. Close it "
        "at the field's end, and write a quote within it as two"
        + (', not as \\".' if record[found[1] - 1] == "\\" else ".")
    )


def _quote(record: str, delimiter: str) -> tuple[int, int] | None:
    """Where the quote opens that the parser stopped in, and where it closes (the record's end where nowhere)."""
    place = 0
    while 0 <= place < len(record):
        if record[place] == '"':
            within = QUOTED.match(record, place)
            assert within is not None
            if record[within.end() + 1 : within.end() + 2] != delimiter:
                return place, within.end()
            place = within.end() + 2
        else:
            place = record.find(delimiter, place) + 1 or -1
    return None
