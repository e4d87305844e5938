"""A table of rows, whatever file they come from, and what a user and the file's format say of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SHOWN = 3  # of what is told, so many are named


@dataclass(frozen=True, slots=True)
class Asked:
    """What a user says of their data; what is left out is guessed. ``cluster`` is empty for none."""

    inputs: tuple[str, ...] = ()
    target: str | None = None
    kind: str | None = None
    options: tuple[str, ...] = ()
    cluster: str | None = None
    language: str | None = None
    format: str | None = None
    encoding: str | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its number in the file, where it stands there, and its fields by column."""

    number: int
    where: str
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of ``path``, which was read as ``found`` says. Where the format tells, ``kind`` is that of the answers,
    ``inputs``, ``target`` and ``cluster`` are the columns, and ``own`` are fields that the kind has of its own in
    task.yaml. ``said`` is what there is to know of the file, a line each."""

    path: Path
    found: str
    rows: Sequence[Row]
    kind: str | None = None
    inputs: tuple[str, ...] = ()
    target: str | None = None
    cluster: str | None = None
    own: Mapping[str, Any] = field(default_factory=dict)
    said: tuple[str, ...] = ()

    @property
    def columns(self) -> list[str]:
        """The columns that any row has."""
        return list(dict.fromkeys(name for row in self.rows for name in row.fields))


def few(things: Sequence[object], shown: int = SHOWN) -> str:
    """The first of ``things``, and a sign that there are more."""
    return ", ".join(map(str, things[:shown])) + (", …" if len(things) > shown else "")
