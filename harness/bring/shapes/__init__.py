"""The formats that data come in. A format is a file here, which tells whether a file is of it and reads its rows, and
a line."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from harness.bring.rows import Asked, Table
from harness.bring.shapes import (
    brat,
    conll,
    doccano,
    label_studio,
    parallel,
    sgd,
    spacy_json,
    squad,
    tables,
    tmx,
)
from harness.bring.shapes.file import File
from harness.errors import InputError, unknown


class Shape(NamedTuple):
    """How a format is told, and how it is read."""

    found: Callable[[File], bool]
    read: Callable[[File], Table]


# The first that says that a file is of it reads it.
SHAPES: Mapping[str, Shape] = {
    "brat": Shape(brat.found, brat.read),
    "tmx": Shape(tmx.found, tmx.read),
    "squad": Shape(squad.found, squad.read),
    "label-studio": Shape(label_studio.found, label_studio.read),
    "sgd": Shape(sgd.found, sgd.read),
    "spacy": Shape(spacy_json.found, spacy_json.read),
    "doccano": Shape(doccano.found, doccano.read),
    "conll": Shape(conll.found, conll.read),
    "parallel": Shape(parallel.found, parallel.read),
    "table": Shape(tables.found, tables.read),
}


def read(paths: Sequence[Path], asked: Asked) -> Table:
    """The rows of the file or folder in ``paths``, or of two files of parallel lines, in the format that is asked for,
    else in the one that is found. Raises InputError for what is damaged, empty, or of no format."""
    if asked.format is not None and asked.format not in SHAPES:
        raise unknown("format", asked.format, SHAPES)
    if len(paths) == 2 and asked.format in (None, "parallel"):
        table = parallel.read_two(paths[0], paths[1], asked.encoding)
    elif len(paths) != 1:
        raise InputError(f"{len(paths)} files: give one, or two of parallel lines.")
    else:
        table = _read(File(paths[0], asked.encoding), asked)
    if not table.rows:
        raise InputError(f"{table.path}: holds no rows.")
    return table


def _read(file: File, asked: Asked) -> Table:
    name = asked.format or next(name for name, shape in SHAPES.items() if shape.found(file))
    if name != "table" and file.path.is_dir() and name != "brat":
        raise InputError(f"{file.path}: is a folder. Give a file; only brat's format is read from a folder.")
    return tables.read(file, asked) if name == "table" else SHAPES[name].read(file)
