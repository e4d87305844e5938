"""Tables: CSV and its kin, JSON rows, Parquet, Excel. What their columns are is for others to tell."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence

from harness.bring.rows import Asked, Row, Table, few
from harness.bring.shapes.file import File
from harness.errors import InputError
from harness.task import files
from harness.task.jsons import WHOLE


def found(file: File) -> bool:
    """What is nothing else is a table; where it is none, its reader says so."""
    return True


def read(file: File, asked: Asked = Asked()) -> Table:  # noqa: B008 (frozen)
    """The rows as they are. The columns that are asked for tell delimiters and sheets apart."""
    path, encoding = file.path, file.said or files.guess(file.path)
    if isinstance(file.document, Mapping) and sum(1 for line in file.source.lines(WHOLE) if line.strip()) > 1:
        raise InputError(
            f"{path}: one JSON object, of {few([repr(key) for key in file.document])}, which is of no format that is "
            "read. Give an array of objects, or an object a line: a row each."
        )
    target = asked.target or "label"
    _, first = next(files.read(path, encoding, (target,)).rows, ("", {}))
    read = files.read(path, encoding, (*(named(asked.inputs, first) or ("text",)), target))
    rows = [Row(number, where, fields) for number, (where, fields) in enumerate(read.rows, 1)]
    if not rows:
        raise InputError(f"{path}: holds no rows.")
    return Table(path, read.found, rows)


def named(given: Sequence[str], known: Container[str]) -> tuple[str, ...]:
    """The columns that ``given`` names: each one column as it is written, else several with commas between them."""
    parts = [[text] if text in known or "," not in text else text.split(",") for text in given]
    return tuple(dict.fromkeys(name.strip() for part in parts for name in part if name.strip()))
