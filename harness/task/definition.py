"""A task: what goes in, what comes out, and the labelled data, read from ``tasks/NAME/task.yaml``."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from harness import builtin, kinds, paths
from harness.errors import InputError, unknown
from harness.kinds import Kind, values
from harness.results.columns import Examples
from harness.task import asis, files, hub
from harness.task.computed import Computed
from harness.task.hub import Hub
from harness.task.source import Row
from harness.types import Example

RESERVED = ("labels", "shots", "answer", "label", "options")
SPLITS = ("train", "dev", "test")


class TaskSpec(BaseModel):
    """The fields of ``task.yaml`` that every kind of task has. Unknown keys are errors. ``inputs`` are the names that
    templates use, and the column that each stands for: a list where the two are the same. ``columns`` are those that
    are computed from a row's own, by the Jinja text of each."""

    model_config = ConfigDict(extra="forbid")
    kind: str
    description: str = ""
    language: str = "en"
    domain: str = "general"
    licence: str = "unknown"
    source: str = "unknown"
    inputs: dict[str, str] = Field(min_length=1)
    target: str
    splits: dict[Literal["train", "dev", "test"], str]
    hub: Hub | None = None
    columns: dict[str, str] = {}
    id: str | None = None
    cluster: str | None = None
    tags: list[str] = []
    encoding: str | None = None
    metrics: list[str]
    main_metric: str

    _nulls = model_validator(mode="before")(asis.nulls)

    @field_validator("inputs", mode="before")
    @classmethod
    def _list_of_inputs(cls, value: Any) -> Any:
        return {name: name for name in values.names(value)} if isinstance(value, list) else value

    @model_validator(mode="after")
    def _consistent(self) -> TaskSpec:
        if taken := set(self.inputs) & set(RESERVED):
            raise ValueError(
                f"inputs may not be called {sorted(taken)}: templates use those names. Give another, and the column "
                f"that it stands for: inputs: {{my_text: {self.inputs[min(taken)]}}}"
            )
        if self.main_metric not in self.metrics:
            raise ValueError(f"main_metric {self.main_metric!r} is not among metrics {self.metrics}")
        return self


@dataclass(frozen=True, slots=True)
class Task:
    """A validated task; ``kind`` says what its answers are. ``examples(split)`` reads its data."""

    name: str
    folder: Path
    spec: TaskSpec
    kind: Kind

    def examples(self, split: str) -> Examples:
        """The split's examples, in file order.

        Raises InputError for a missing file, an empty split, a missing field, an unknown label, a duplicate id.
        """
        if split not in self.spec.splits:
            raise unknown("split", split, self.spec.splits, f"task {self.name!r}")
        source = self.spec.splits[split]
        found = Examples(self._rows(split, source), list(self.spec.inputs), self.spec.tags)
        if not found:
            raise InputError(
                f"task {self.name!r}: split {split!r} is empty ({source}). Put at least one example in it."
            )
        return found

    def _rows(self, split: str, source: str) -> Iterator[Example]:
        spec = self.spec
        beside = spec.hub is None or files.is_named(source)  # of a hub's data set, a split may lie beside task.yaml
        rows = self._file_rows(source) if beside else self._hub_rows(source)
        if spec.columns:
            lists = (spec.target, *self.kind.columns)
            rows = Computed(spec.columns, lists, str(self.folder / "task.yaml")).rows(rows)
        ids: set[str] = set()
        for where, row in rows:
            example = self._example(where, row, f"{split}-{len(ids) + 1}")
            if example.id in ids:
                raise InputError(f"{where}: duplicate id {example.id!r}. Ids must be unique within a split.")
            ids.add(example.id)
            yield example

    def _file_rows(self, source: str) -> Iterator[Row]:
        path = self.folder / source
        if not os.path.exists(path):
            raise InputError(f"{path}: no such data file. `splits` in {self.folder / 'task.yaml'} names it.")
        wanted = [name for name in self._columns() if name not in self.spec.columns]
        return files.read(path, self.spec.encoding, wanted, typed=bool(self.spec.columns)).rows

    def _hub_rows(self, source: str) -> Iterator[Row]:
        assert self.spec.hub is not None
        return hub.rows(self.spec.hub, source, self.spec.target, typed=bool(self.spec.columns))

    def _columns(self) -> list[str]:
        spec = self.spec
        own = (spec.target, *self.kind.columns, *spec.tags, *filter(None, (spec.id, spec.cluster)))
        return list(dict.fromkeys([*spec.inputs.values(), *own]))

    def _example(self, where: str, row: Mapping[str, Any], default_id: str) -> Example:
        spec = self.spec
        for name in self._columns():
            if name not in row:
                near = difflib.get_close_matches(name, list(row), n=1)
                hint = f" Did task.yaml mean {near[0]!r}?" if near else ""
                raise InputError(f"{where}: no field {name!r}; the row has {', '.join(map(str, row))}.{hint}")

        def text(name: str) -> str:
            return values.text(row[name], where, name)

        inputs = {name: text(column) for name, column in spec.inputs.items()}
        return Example(
            id=text(spec.id) if spec.id else default_id,
            inputs=inputs,
            target=self.kind.target(row, spec.target, inputs, where),
            options=self.kind.offered(row, where),
            cluster=text(spec.cluster) if spec.cluster else None,
            tags={name: text(name) for name in spec.tags},
        )


def load(name: str) -> Task:
    """The task ``tasks/NAME`` of the working folder, or the built-in one of that name."""
    path = builtin.find("tasks", paths.name("task", name), "task.yaml")
    if path is None:
        raise unknown("task", name, builtin.names("tasks"))
    return read(name, path.parent)


def read(name: str, folder: Path) -> Task:
    """The task in ``folder``. Raises InputError for a task.yaml that is none."""
    return Task(name, folder, *_read(folder / "task.yaml"))


def _read(path: Path) -> tuple[TaskSpec, Kind]:
    root, document = asis.document(path)
    if not isinstance(document, dict):
        raise InputError(f"{path}: must be a mapping of fields such as kind, inputs, target, labels, splits.")
    chosen = document.get("kind", next(iter(kinds.KINDS)))
    if chosen not in kinds.KINDS:
        raise InputError(
            f"{path}, line {_line_of(root, ('kind',))}, field kind: {unknown('value', chosen, kinds.KINDS)}"
        )
    found = kinds.find(chosen)
    shared = {key: value for key, value in document.items() if key in TaskSpec.model_fields}
    own = asis.nulls({key: asis.nulls(value) for key, value in document.items() if key not in shared})
    try:
        kind = found.model_validate(own)
        spec = TaskSpec.model_validate({"metrics": kind.metrics, "main_metric": kind.main_metric, **shared})
        _check(kind, spec, path)
        return spec, kind
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(p) for p in first["loc"] if p != "[key]")
        line = _line_of(root, first["loc"])
        why = _explain(first, [*TaskSpec.model_fields, *found.model_fields])
        raise InputError(f"{path}, line {line}, field {place or '(whole file)'}: {why}") from None


def _check(kind: Kind, spec: TaskSpec, path: Path) -> None:
    """Raises InputError where the fields that every kind has do not fit those of this one."""
    try:
        kind.check_inputs(list(spec.inputs))
        Computed(spec.columns, (), str(path)).check()
    except ValueError as error:
        raise InputError(f"{path}: {error}") from None


def _explain(error: Any, keys: Sequence[str]) -> str:
    name = str(error["loc"][-1]) if error["loc"] else ""
    if error["type"] == "extra_forbidden":
        return str(unknown("key", name, Hub.model_fields if error["loc"][0] == "hub" else keys))
    if error["type"] == "literal_error":
        return str(unknown("value", error["input"], SPLITS))
    return f"{error['msg']}."


def _line_of(node: yaml.Node | None, loc: tuple[Any, ...]) -> int:
    """The 1-based line of the node at ``loc``, or of its nearest existing parent."""
    line = 1
    for part in loc:
        if isinstance(node, yaml.MappingNode):
            hit = next(((k, v) for k, v in node.value if k.value == str(part)), None)
            if hit is None:
                break
            line, node = hit[0].start_mark.line + 1, hit[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
            node = node.value[part]
            line = node.start_mark.line + 1
    return line
