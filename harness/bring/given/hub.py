"""A task as a folder that a hub of data sets takes: README.md with its card, and a file a split."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from harness import kinds
from harness.bring.given.finished import Finished
from harness.bring.project import dumped
from harness.errors import InputError
from harness.kinds import Kind
from harness.task.definition import Task
from harness.types import Example

OPTIONS, TARGET = "options", "target"


def files(run: Finished) -> Mapping[str, str]:
    """The card, the splits, and the task.yaml by which they are a task here again."""
    task = run.task
    made = {f"data/{split}.jsonl": _lines(task, task.examples(split)) for split in task.spec.splits}
    return {"README.md": _card(task), "task.yaml": dumped(_definition(task)), **made}


def _lines(task: Task, examples: Sequence[Example]) -> str:
    kind = kinds.of({"name": task.kind.name, **_own(task)}, task.name)
    return "".join(json.dumps(_row(task, kind, each), ensure_ascii=False) + "\n" for each in examples)


def _row(task: Task, kind: Kind, item: Example) -> dict[str, Any]:
    row: dict[str, Any] = {"id": item.id, **item.inputs}
    if item.options:
        row[OPTIONS] = list(item.options)
    if task.spec.cluster:
        row["cluster"] = item.cluster
    row |= {name: item.tags[name] for name in task.spec.tags}
    return {**row, TARGET: _target(kind, row, item)}


def _target(kind: Kind, row: Mapping[str, Any], item: Example) -> Any:
    """The right answer as data that the kind reads as that answer: a list or an object where it is one, else a text."""
    for form in (_data(item.target), item.target):
        try:
            if kind.target({**row, TARGET: form}, TARGET, item.inputs, item.id) == item.target:
                return form
        except InputError:
            continue
    return item.target


def _data(target: str) -> Any:
    if not target.startswith(("[", "{")):
        return target
    try:
        return json.loads(target)
    except ValueError:
        return target


def _own(task: Task) -> dict[str, Any]:
    """The fields of the task's kind, options standing in the column that they are exported to."""
    own = task.kind.model_dump(mode="json", exclude_defaults=True)
    return {**own, OPTIONS: OPTIONS, "first": 1, "stated": "number"} if OPTIONS in own else own


def _definition(task: Task) -> dict[str, Any]:
    """The task.yaml of the exported files."""
    spec = task.spec
    kept = {name: getattr(spec, name) for name in ("description", "language", "domain", "licence", "source")}
    found: dict[str, Any] = {"kind": task.kind.name, **kept, "inputs": list(spec.inputs), "target": TARGET, "id": "id"}
    found |= {"cluster": "cluster"} if spec.cluster else {}
    found |= {"tags": spec.tags} if spec.tags else {}
    found |= {**_own(task), "splits": {split: f"data/{split}.jsonl" for split in spec.splits}}
    return {**found, "metrics": spec.metrics, "main_metric": spec.main_metric}


def _card(task: Task) -> str:
    spec = task.spec
    names = {"train": "train", "dev": "validation", "test": "test"}
    parts = [{"split": names[split], "path": f"data/{split}.jsonl"} for split in spec.splits]
    matter = {
        "pretty_name": task.name,
        "language": [spec.language],
        "license": spec.licence.lower(),
        "configs": [{"config_name": "default", "data_files": parts}],
    }
    columns = [*spec.inputs, *([OPTIONS] if OPTIONS in _own(task) else []), TARGET]
    counts = ", ".join(f"{len(task.examples(split)):,} {split}" for split in spec.splits)
    body = f"# {task.name}\n\n{spec.description}\n\nSource: {spec.source}\n\n"
    body += f"{counts}. Columns: {', '.join(columns)}. `task.yaml` makes it a task of harness ({task.kind.name}).\n"
    return f"---\n{dumped(matter)}---\n\n{body}"
