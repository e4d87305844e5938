"""A task that was taken over, written as ``tasks/NAME`` and ``prompts/NAME``."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness import paths
from harness.bring.lm_eval import prompt
from harness.bring.lm_eval.answer import Answering, answering
from harness.bring.lm_eval.definition import Definition
from harness.bring.lm_eval.question import WHOLE, Question, asked, jinja
from harness.bring.lm_eval.refusal import Refusal
from harness.bring.project import dumped
from harness.errors import InputError
from harness.task import definition, files

TEMPLATE, CHAT, STUDY, SAMPLES = "lm-eval.j2", "lm-eval-chat.j2", "study.yaml", "train.jsonl"


@dataclass(frozen=True, slots=True)
class Made:
    """The files of a task, by their paths below a project, and what is to be told."""

    name: str
    files: Mapping[str, str]
    told: tuple[str, ...]


def made(task: Definition, source: str, data: Path | None, into: Path, own: Mapping[str, str] | None = None) -> Made:
    """What ``task`` becomes. ``data`` is a folder with a file for each split, in the place of the hub's data set;
    ``own`` are the splits themselves, as lines of JSON, to lie beside task.yaml.

    Raises Refusal where question or answer have no counterpart, InputError where a split has no file."""
    name = paths.name("task", task.name.replace("/", "-").replace("::", "-"))
    question = asked(task.text, task.where)
    question = question if prompt.fits(question, task) else asked(task.text, task.where, whole=True)
    answers = answering(task)
    splits, told = ({}, []) if own else _splits(task, data, into / "tasks" / name)
    splits |= {split: f"{split}.jsonl" for split in own or {}}
    fields = _fields(task, source, question, answers, splits, not (data or own))
    written = {f"tasks/{name}/task.yaml": dumped(fields)}
    if task.splits.samples:
        rows = (json.dumps(row, ensure_ascii=False, default=str) for row in task.splits.samples)
        written[f"tasks/{name}/{SAMPLES}"] = "".join(f"{row}\n" for row in rows)
    written |= {f"tasks/{name}/{split}.jsonl": text for split, text in (own or {}).items()}
    for file, make in ((TEMPLATE, prompt.text), (CHAT, prompt.chat)):
        matter, body = make(task, question, answers)
        written[f"prompts/{name}/{file}"] = prompt.document(matter, body, dumped)
    written[f"tasks/{name}/{STUDY}"] = dumped(_study(task, name))
    return Made(name, written, (*told, *task.told))


def _fields(
    task: Definition,
    source: str,
    question: Question,
    answers: Answering,
    splits: Mapping[str, str],
    on_hub: bool,
) -> dict[str, Any]:
    columns = {**question.columns, **answers.columns}
    inputs = list(question.columns)
    if not inputs:  # an empty or constant prompt: its items differ by what they offer
        columns[WHOLE] = jinja(task.choices) if isinstance(task.choices, str) else "{{ gold }}"
        inputs = [WHOLE]
        if WHOLE in answers.columns or not isinstance(task.choices, str):
            raise Refusal(task.where, "fields", "its prompt shows nothing of an item.")
    path, name, revision = task.data
    hub = {key: value for key, value in (("path", path), ("name", name), ("revision", revision)) if value is not None}
    found: dict[str, Any] = {
        "kind": answers.kind,
        "description": f"{task.name}, as lm-evaluation-harness defines it.",
        "source": f"{source}, task {task.name}",
    }
    found |= {"hub": hub} if on_hub else {}
    found |= {"columns": columns, "inputs": inputs, "target": answers.target, **answers.fields, "splits": dict(splits)}
    if len(inputs) > 1 and answers.kind == "text":
        found["context"] = inputs[-1]
    return {**found, "metrics": list(task.measure.metrics), "main_metric": task.measure.metrics[0]}


def _splits(task: Definition, data: Path | None, folder: Path) -> tuple[dict[str, str], list[str]]:
    named = {"train": task.splits.train, "dev": task.splits.dev, "test": task.splits.test}
    found, told = {}, list[str]()
    for split, name in named.items():
        if name is None:
            continue
        file = _file(data, name, required=split == "test" or bool(task.shots)) if data else None
        if data and file is None:
            told.append(f"no {split} split: {data} has no file of {name!r}")
            continue
        found[split] = os.path.relpath(file.resolve(), folder.resolve()) if file else name
    if task.splits.samples:
        found["train"] = SAMPLES
    if "train" not in found:
        told.append("no train split: the task says of none that demonstrations come from it")
    return found, told


def _file(data: Path, split: str, required: bool) -> Path | None:
    """The file of ``split``: ``SPLIT.jsonl``, .json or .parquet, which say of a number that it is one."""
    formats = (*files.TYPED, ".parquet")
    for suffix in formats:
        if (data / f"{split}{suffix}").is_file():
            return data / f"{split}{suffix}"
    if required:
        raise InputError(
            f"--data {data}: no file of the split {split!r}. Put it there as {split}.jsonl; read are "
            f"{', '.join(formats)}, which tell numbers from texts."
        )
    return None


def _study(task: Definition, name: str) -> dict[str, Any]:
    """What repeats lm_eval's own run: its demonstrations, in its order, and how it compares choices."""
    found: dict[str, Any] = {"task": name, "template": Path(TEMPLATE).stem, "shots": task.shots}
    if task.shots:
        found |= {"selector": task.selector, "order": "as-is"}
    if task.measure.normalize != "sum":
        found["normalize"] = task.measure.normalize
    return found


def write(task: Made, into: Path) -> list[str]:
    """Write the files of ``task`` below ``into``, and read them back. Raises InputError where the task is there
    already, or what was written is no task."""
    folder = into / "tasks" / task.name
    if folder.exists():
        raise InputError(f"{folder} exists already. Choose another --into, or delete it.")
    for name, text in task.files.items():
        path = into / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="")
        except OSError as error:
            raise InputError(f"{error.filename}: cannot be written: {error.strerror}.") from None
    definition.read(task.name, folder)
    return [f"wrote {folder} and {into / 'prompts' / task.name}", *task.told]
