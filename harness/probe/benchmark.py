"""Probes that bring items of their own: a benchmark's, read from a folder that the user has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

from harness.compare.finding import Finding
from harness.errors import InputError
from harness.probe.asked import Asked, Group
from harness.results.columns import Examples
from harness.task import budgets, definition
from harness.task.definition import Task
from harness.types import Example

TASKS = Path(__file__).parent / "tasks"  # a task.yaml of each, without items


@dataclass(frozen=True, slots=True)
class Given(Task):
    """A task of ``items`` that are read already, and of no others: there is nothing to train on. ``left_out`` are those
    that could not be read, by why."""

    items: Sequence[Example] = ()
    left_out: Mapping[str, int] | None = None

    def examples(self, split: str) -> Examples:
        held = self.items if split == "test" else ()
        return Examples(held, list(self.spec.inputs), self.spec.tags)


class Benchmark:
    """``files`` is the pattern of the names of its files, ``folder`` what the folder that holds them may be called. Its
    prompts lie in ``prompts/NAME``; no baseline can be trained for it, and no demonstrations are shown."""

    name: ClassVar[str]
    source: ClassVar[str]
    folder: ClassVar[str]
    files: ClassVar[str]
    named: ClassVar[bool] = True

    def task(self, data: Path | None) -> Given:
        """Its items, from the files in the folder ``data``, or in one of its name below that. Raises InputError where
        there are none, or one is not as it was published."""
        if data is None:
            raise InputError(f"probe {self.name!r} reads {self.files}: say in which folder, with --data FOLDER.")
        found = next((paths for at in (data, data / self.folder) if (paths := sorted(at.glob(self.files)))), None)
        if found is None:
            raise InputError(
                f"{data}: no {self.files} there, nor in {data / self.folder}. Name the folder that holds the files of "
                f"{self.source} with --data."
            )
        items, left_out = self.read(found)
        if not items:
            raise InputError(f"{found[0]}: none of its rows can be read as an item of {self.name}.")
        task = definition.read(self.name, TASKS / self.name)
        return Given(self.name, found[0].parent, task.spec, task.kind, items, left_out)

    def read(self, paths: Sequence[Path]) -> tuple[list[Example], Mapping[str, int]]:
        """The items in the files, and how many are left out, by why."""
        raise NotImplementedError

    def unit(self, item: Example) -> str:
        """What ``--limit`` counts, and takes whole."""
        return item.id

    def look(self, asked: Asked) -> Finding:
        raise NotImplementedError

    def limited(self, asked: Asked) -> Given:
        """As many items as ``--limit`` says, chosen by their units' ids alone."""
        task = asked.task
        assert isinstance(task, Given)
        if not asked.engines:
            raise InputError(f"probe {self.name!r} asks models, and none is named. Leave out --baselines-only.")
        units = list(dict.fromkeys(self.unit(item) for item in task.items))
        if asked.spec.limit is None or asked.spec.limit >= len(units):
            return task
        chosen = {units[place] for place in budgets.by_ids(units, asked.spec.limit)}
        return replace(task, items=[item for item in task.items if self.unit(item) in chosen])

    def answered(self, asked: Asked, task: Given) -> list[Group]:
        """The prompts' runs on the items of ``task``."""
        alone: dict[str, Any] = {"shots": (0,), "baselines": (), "params": {}, "split": "test", "limit": None}
        return asked.run(task, **alone, without_overlap=False)


def noted(task: Given) -> tuple[str, ...]:
    """What was read, and what was left out."""
    told = (f"{count:,} {why}" for why, count in (task.left_out or {}).items() if count)
    return (f"{len(task.items):,} items.", *(f"Left out: {each}." for each in told))


def missing(where: str, row: Mapping[str, Any], wanted: Sequence[str]) -> None:
    """Raises InputError where ``row`` lacks a field of ``wanted``."""
    if absent := [name for name in wanted if name not in row]:
        raise InputError(f"{where}: no field {absent[0]!r}; the row has {', '.join(map(str, row))}.")
