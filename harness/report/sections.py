"""The rows of a long table in groups: the baselines, each model's prompts, answers made elsewhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from harness.compare.differences import Comparison, Row
from harness.report.cells import cells

Part = tuple[str, Sequence[Sequence[str]]]
"""A heading, empty where there is none, and the cells of the rows below it."""
LONG = 12  # rows that are read at a glance
BASELINES, RECORDED = "baselines", "answers made elsewhere"


@dataclass(frozen=True, slots=True)
class Section:
    """Rows under a heading; a table whose rows are in one section has none."""

    title: str
    rows: tuple[Row, ...]


def sections(comparison: Comparison) -> list[Section]:
    """The rows as a table shows them: in the order they are in, or of more than ``LONG``, by ``group``."""
    names = groups(comparison.rows)
    if len(names) <= LONG or len(set(names)) == 1:
        return [Section("", comparison.rows)]
    return [
        Section(title, tuple(row for row, name in zip(comparison.rows, names, strict=True) if name == title))
        for title in sorted(dict.fromkeys(names), key=lambda name: (name == RECORDED) - (name == BASELINES))
    ]


def parts(comparison: Comparison) -> list[Part]:
    """The sections, their rows as cells."""
    return [(each.title, [cells(comparison, row) for row in each.rows]) for each in sections(comparison)]


def groups(rows: Sequence[Row]) -> list[str]:
    """The group of each row: a prompt's is its model, called by the end of its path where no other's is the same."""
    models = {str(row.run.spec["model"]) for row in rows if row.prompted}
    ends = Counter(map(_end, models))
    return [_group(row, ends) for row in rows]


def _group(row: Row, ends: Counter[str]) -> str:
    if not row.prompted:
        return RECORDED if row.recorded else BASELINES
    model = str(row.run.spec["model"])
    name = _end(model) if ends[_end(model)] == 1 else model
    return f"model {name}" if name in (BASELINES, RECORDED) else name


def _end(model: str) -> str:
    return model.rstrip("/").rsplit("/", 1)[-1]
