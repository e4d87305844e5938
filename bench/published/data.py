"""What a published set becomes, and what its readers share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Data:
    """A set as a project holds it: the fields of task.yaml but for ``splits`` and ``id``, the rows of each split, and
    the template. ``split`` says where the splits come from, ``notes`` what was met in the files and done about it. By
    ``bare``, without an instruction, a language model is fine-tuned."""

    task: Mapping[str, object]
    rows: Mapping[str, Sequence[Row]]
    template: str
    split: str
    notes: Mapping[str, int]
    bare: str | None = None


def template(body: str, **settings: object) -> str:
    """A template's file."""
    head = yaml.safe_dump(settings, allow_unicode=True, sort_keys=False, width=1000) if settings else ""
    return f"---\n{head}---\n{body}" if head else body


def values(rows: Mapping[str, Iterable[Row]], column: str) -> list[str]:
    """All values of a column, sorted."""
    return sorted({row[column] for part in rows.values() for row in part})


def shared(rows: Iterable[Row], others: Iterable[Row], column: str) -> int:
    """How many of ``rows`` have a text that one of ``others`` has, case and blanks apart."""
    known = {" ".join(row[column].lower().split()) for row in others}
    return sum(" ".join(row[column].lower().split()) in known for row in rows)
