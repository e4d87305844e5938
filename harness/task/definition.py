"""A task: what goes in, what comes out, and the labelled data, read from ``tasks/NAME/task.yaml``."""

from __future__ import annotations

import csv
import difflib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from harness import builtin, kinds
from harness.errors import InputError, missing_extra, unknown
from harness.kinds import Kind
from harness.results.columns import Examples
from harness.types import Example

RESERVED = ("labels", "shots", "answer", "label")
SPLITS = ("train", "dev", "test")


class Hub(BaseModel):
    """A data set on a hub, read with the ``datasets`` library."""

    model_config = ConfigDict(extra="forbid")
    path: str
    name: str | None = None
    revision: str | None = None


class TaskSpec(BaseModel):
    """The fields of ``task.yaml`` that every kind of task has. Unknown keys are errors."""

    model_config = ConfigDict(extra="forbid")
    kind: str
    description: str = ""
    language: str = "en"
    licence: str = "unknown"
    source: str = "unknown"
    inputs: list[str] = Field(min_length=1)
    target: str
    splits: dict[Literal["train", "dev", "test"], str]
    hub: Hub | None = None
    id: str | None = None
    cluster: str | None = None
    tags: list[str] = []
    encoding: str = "utf-8"
    metrics: list[str]
    main_metric: str

    @model_validator(mode="after")
    def _consistent(self) -> TaskSpec:
        if taken := set(self.inputs) & set(RESERVED):
            raise ValueError(f"inputs may not be called {sorted(taken)}: templates use those names")
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
        found = Examples(self._rows(split, source), self.spec.inputs, self.spec.tags)
        if not found:
            raise InputError(
                f"task {self.name!r}: split {split!r} is empty ({source}). Put at least one example in it."
            )
        return found

    def _rows(self, split: str, source: str) -> Iterator[Example]:
        rows = _hub_rows(self.spec.hub, source) if self.spec.hub else _file_rows(self.folder / source, self.spec)
        ids: set[str] = set()
        for where, row in rows:
            example = self._example(where, row, f"{split}-{len(ids) + 1}")
            if example.id in ids:
                raise InputError(f"{where}: duplicate id {example.id!r}. Ids must be unique within a split.")
            ids.add(example.id)
            yield example

    def _example(self, where: str, row: Mapping[str, Any], default_id: str) -> Example:
        spec = self.spec
        wanted = [*spec.inputs, spec.target, *spec.tags, *filter(None, (spec.id, spec.cluster))]
        for name in wanted:
            if row.get(name) is None:
                near = difflib.get_close_matches(name, list(row), n=1)
                hint = f" Did task.yaml mean {near[0]!r}?" if near else ""
                raise InputError(f"{where}: no field {name!r}; the row has {', '.join(map(str, row))}.{hint}")
        return Example(
            id=str(row[spec.id]) if spec.id else default_id,
            inputs={name: str(row[name]) for name in spec.inputs},
            target=self.kind.target(row, spec.target, where),
            cluster=str(row[spec.cluster]) if spec.cluster else None,
            tags={name: str(row[name]) for name in spec.tags},
        )


def load(name: str) -> Task:
    """The task ``tasks/NAME`` of the working folder, or the built-in one of that name."""
    path = builtin.find("tasks", name, "task.yaml")
    if path is None:
        raise unknown("task", name, builtin.names("tasks"))
    return Task(name, path.parent, *_read(path))


def _read(path: Path) -> tuple[TaskSpec, Kind]:
    try:
        text = path.read_text(encoding="utf-8")
        document, root = yaml.safe_load(text), yaml.compose(text)
    except yaml.YAMLError as error:
        line = getattr(getattr(error, "problem_mark", None), "line", 0) + 1
        raise InputError(f"{path}, line {line}: not valid YAML: {getattr(error, 'problem', error)}.") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}.") from None
    if not isinstance(document, dict):
        raise InputError(f"{path}: must be a mapping of fields such as kind, inputs, target, labels, splits.")
    chosen = document.get("kind", next(iter(kinds.KINDS)))
    if chosen not in kinds.KINDS:
        raise InputError(
            f"{path}, line {_line_of(root, ('kind',))}, field kind: {unknown('value', chosen, kinds.KINDS)}"
        )
    found = kinds.find(chosen)
    shared = {key: value for key, value in document.items() if key in TaskSpec.model_fields}
    own = {key: value for key, value in document.items() if key not in shared}
    try:
        kind = found.model_validate(own)
        return TaskSpec.model_validate({"metrics": kind.metrics, "main_metric": kind.main_metric, **shared}), kind
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(p) for p in first["loc"] if p != "[key]")
        line = _line_of(root, first["loc"])
        why = _explain(first, [*TaskSpec.model_fields, *found.model_fields])
        raise InputError(f"{path}, line {line}, field {place or '(whole file)'}: {why}") from None


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


def _file_rows(path: Path, spec: TaskSpec) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if not path.exists():
        raise InputError(f"{path}: no such data file. `splits` in {path.parent / 'task.yaml'} names it.")
    suffix = path.suffix.lower()
    if suffix == ".parquet":
        import pandas

        for i, row in enumerate(pandas.read_parquet(path).to_dict("records")):
            yield f"{path}, row {i + 1}", {str(k): v for k, v in row.items()}
        return
    if suffix not in (".jsonl", ".csv", ".tsv"):
        raise InputError(f"{path}: unknown data format {suffix!r}. Known: .jsonl, .csv, .tsv, .parquet.")
    try:
        with path.open(encoding="utf-8-sig" if spec.encoding == "utf-8" else spec.encoding, newline="") as file:
            yield from _json_rows(path, file) if suffix == ".jsonl" else _csv_rows(path, file, suffix)
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}: byte {error.start} is not {spec.encoding}. Say the file's encoding in task.yaml, "
            "for example `encoding: latin-1`."
        ) from None
    except LookupError:
        raise InputError(f"{path}: unknown encoding {spec.encoding!r} in task.yaml.") from None


def _json_rows(path: Path, file: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for number, line in enumerate(file, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise InputError(f"{path}, line {number}: not valid JSON: {error.msg}.") from None
        if not isinstance(row, dict):
            raise InputError(f"{path}, line {number}: must be one JSON object a line.")
        yield f"{path}, line {number}", row


def _csv_rows(path: Path, file: Any, suffix: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    reader = csv.DictReader(file, delimiter="\t" if suffix == ".tsv" else ",", strict=True)
    try:
        for row in reader:
            if None in row:
                raise InputError(f"{path}, line {reader.line_num}: more fields than the header names.")
            yield f"{path}, line {reader.line_num}", row
    except csv.Error as error:
        raise InputError(f"{path}, line {reader.line_num}: not valid CSV: {error}.") from None


def _hub_rows(hub: Hub | None, split: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    assert hub is not None
    try:
        import datasets
    except ImportError:
        raise missing_extra("datasets", "hub", f"Reading {hub.path!r} from a data hub") from None
    try:
        data = datasets.load_dataset(hub.path, hub.name, split=split, revision=hub.revision)
    except Exception as error:  # the library raises many kinds; all mean the reference cannot be read
        raise InputError(f"hub data set {hub.path!r}, split {split!r}: cannot be loaded: {error}") from None
    named = {k: f.int2str for k, f in data.features.items() if hasattr(f, "int2str")}
    for i, row in enumerate(data):
        yield f"{hub.path}[{split}], row {i + 1}", {k: named[k](v) if k in named else v for k, v in row.items()}
