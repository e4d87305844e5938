"""Texts with their translations: two files of a line each, or lines of two parts with a tab between them."""

from __future__ import annotations

import re
from itertools import zip_longest
from pathlib import Path

from harness.bring.rows import Row, Table
from harness.bring.shapes.file import File
from harness.errors import InputError

SOURCE, TARGET = "source", "translation"
LONG = 12  # characters of a text, on average; labels and names of columns are shorter
_NAME = re.compile(r"[\w.-]+(?: [\w.-]+)?")


def found(file: File) -> bool:
    """Whether lines have two parts each, of which the first line's are no names of columns, and none recurs much."""
    if file.suffix not in (".tsv", ".tab", ".txt") or not file.start:
        return False
    pairs = [line.split("\t") for line in file.start if line.strip()]
    if not pairs or any(len(pair) != 2 for pair in pairs) or all(map(_NAME.fullmatch, pairs[0])):
        return False
    seconds = [pair[1] for pair in pairs]
    return 2 * len(set(seconds)) > len(seconds) and sum(map(len, seconds)) > LONG / 2 * len(seconds)


def read(file: File) -> Table:
    """A row a line. Raises InputError for a line that has not two parts."""
    rows, empty = list[Row](), 0
    for number, line in enumerate(file.source.lines(), 1):
        parts = [part.strip() for part in line.strip("\r\n").split("\t")]
        if parts == [""]:
            continue
        where = f"{file.path}, line {number}"
        if len(parts) != 2:
            raise InputError(f"{where}: {len(parts)} parts, where two are needed: a text, a tab, and its translation.")
        empty += not all(parts)
        if all(parts):
            rows.append(Row(number, where, dict(zip((SOURCE, TARGET), parts, strict=True))))
    return _table(file.path, f"lines of two parts, {file.source.encoding}", rows, empty)


def read_two(one: Path, other: Path, encoding: str | None) -> Table:
    """A row a line of both files. Raises InputError where one has more lines than the other."""
    left, right = File(one, encoding), File(other, encoding)
    rows, empty = list[Row](), 0
    for number, pair in enumerate(zip_longest(left.source.lines(), right.source.lines()), 1):
        if None in pair:
            longer, shorter = (one, other) if pair[1] is None else (other, one)
            raise InputError(
                f"{longer}, line {number}: {shorter} has {number - 1} lines only. Give two files of equal length, of "
                "which each line is the translation of the other's."
            )
        texts = [str(line).strip() for line in pair]
        empty += not all(texts)
        if all(texts):
            rows.append(Row(number, f"{one}, line {number}", dict(zip((SOURCE, TARGET), texts, strict=True))))
    return _table(one, f"two files of a line each, with {other}, {left.source.encoding}", rows, empty)


def _table(path: Path, found: str, rows: list[Row], empty: int) -> Table:
    said = (f"left out {empty} lines of which one side is empty",) if empty else ()
    return Table(path, found, rows, "text", (SOURCE,), TARGET, said=said)
