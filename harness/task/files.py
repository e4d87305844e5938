"""Rows of data files, each with where it stands: one strict reader for tasks and for ``harness init``."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from harness.errors import InputError
from harness.task import delimited, excel, jsons, parquet
from harness.task.source import PACKED, Read, Source

Reader = Callable[[Source, Sequence[str]], Read]
TEXT: Mapping[str, Reader] = {
    ".csv": partial(delimited.read, usual=","),
    ".tsv": partial(delimited.read, usual="\t"),
    ".tab": partial(delimited.read, usual="\t"),
    ".txt": partial(delimited.read, usual="\t"),
    ".jsonl": jsons.read,
    ".ndjson": jsons.read,
    ".json": jsons.read,
}
# Formats of their own packing and encoding, and how such a file begins.
BINARY: Mapping[str, tuple[Reader, bytes]] = {
    ".parquet": (parquet.read, b"PAR1"),
    ".xlsx": (excel.read, b"PK"),
    ".xlsm": (excel.read, b"PK"),
}
FORMATS = (*TEXT, *BINARY)
# Formats that say of a number that it is one, and the readers that leave it so.
TYPED: Mapping[str, Reader] = dict.fromkeys((".jsonl", ".ndjson", ".json"), partial(jsons.read, typed=True))


def is_named(text: str) -> bool:
    """Whether ``text`` is the name of a data file."""
    return _suffix(Path(text)) in FORMATS


def read(path: Path, encoding: str | None = None, wanted: Sequence[str] = (), typed: bool = False) -> Read:
    """The rows of the data file ``path``, as its name says; text is in ``encoding``, else UTF-8 or what a byte order
    mark names. ``wanted`` are columns that tell delimiters and sheets apart. With ``typed``, numbers of JSON are
    numbers, and not the text that they are written as.

    Raises InputError, now or while rows are read, naming file and line of whatever is not as it should be.
    """
    source, suffix = Source(path, encoding), _suffix(path)
    if suffix in BINARY:
        reader, beginning = BINARY[suffix]
        source.check(beginning)
        return reader(source, wanted)
    if suffix not in TEXT:
        near = difflib.get_close_matches(suffix, FORMATS, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise InputError(
            f"{path}: unknown data format {suffix!r}.{hint} Known: {', '.join(FORMATS)}, and those of text packed "
            f"({', '.join(PACKED)})."
        )
    source.check()
    return (TYPED if typed and suffix in TYPED else TEXT)[suffix](source, wanted)


def guess(path: Path) -> str | None:
    """The encoding that the text file ``path`` is most likely in; None where it has none, or none reads it."""
    return Source(path).guess() if _suffix(path) in TEXT else None


def _suffix(path: Path) -> str:
    """The format's part of the name, in lower case: ``.csv`` of ``rows.CSV.gz``."""
    packed = path.suffix.lower() in PACKED
    return (Path(path.stem) if packed else path).suffix.lower()
