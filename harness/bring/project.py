"""The files of a new project: its task, its splits and its first templates."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from harness.bring.guess import Plan
from harness.errors import InputError
from harness.kinds import Kind
from harness.task import asis
from harness.task.definition import RESERVED

# Words that a template reads as its own, and those that `shot.NAME` finds in the demonstration before its inputs.
TAKEN = {
    *RESERVED, *dir(dict), "shot", "loop", "self", "super", "caller", "varargs", "kwargs", "true", "false", "none",
    "True", "False", "None", "and", "or", "not", "in", "is", "if", "else", "elif", "for", "block", "set", "macro",
    "call", "filter", "import", "from", "include", "extends", "with", "without", "context", "recursive", "range",
    "namespace", "cycler", "joiner", "lipsum",
}  # fmt: skip


def document(
    name: str, plan: Plan, kind: Kind, own: Mapping[str, Any], splits: Iterable[str], source: str
) -> dict[str, Any]:
    """What task.yaml says. ``own`` are the fields that the kind has of its own."""
    named = names(plan.inputs)
    classes = ["accuracy", "macro-f1", "mcc", "parse-failure-rate", "ece"]
    return {
        "kind": plan.kind,
        "description": f"What {name} is about, in one sentence.",
        "language": plan.language,
        "licence": "unknown",
        "source": source,
        "inputs": list(named) if list(named) == list(plan.inputs) else named,
        "target": plan.target,
        "id": key(plan),
        **({"cluster": plan.cluster} if plan.cluster else {}),
        **own,
        "splits": {split: f"{split}.jsonl" for split in splits},
        "metrics": classes if plan.kind == "classification" else list(kind.metrics),
        "main_metric": kind.main_metric,
    }


def key(plan: Plan) -> str:
    """The column of ids."""
    return free("id", (*plan.inputs, plan.target, plan.cluster or ""))


def write(
    folder: Path,
    name: str,
    document: Mapping[str, Any],
    splits: Mapping[str, Iterable[Mapping[str, Any]]],
    templates: Mapping[str, str],
) -> str:
    """Write ``tasks/NAME`` and ``prompts/NAME`` below ``folder``, and say so. The user's own templates stay."""
    task, prompts = folder / "tasks" / name, folder / "prompts" / name
    try:
        task.mkdir(parents=True)
        prompts.mkdir(parents=True, exist_ok=True)
        for split, rows in splits.items():
            _write_split(task / f"{split}.jsonl", rows)
        (task / "task.yaml").write_text(dumped(document), encoding="utf-8")
        for stem, text in templates.items():
            if not (path := prompts / f"{stem}.j2").exists():
                path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"{error.filename}: cannot be written: {error.strerror}.") from None
    return f"wrote {task} and {prompts}"


def dumped(document: Mapping[str, Any]) -> str:
    """``document`` in letters of any alphabet; escaped where it would be read back otherwise (PyYAML loses U+0085)."""
    text = str(yaml.safe_dump(document, sort_keys=False, allow_unicode=True))
    return text if asis.load(text) == document else str(yaml.safe_dump(document, sort_keys=False))


def names(columns: Sequence[str]) -> dict[str, str]:
    """A name that templates can use for each of ``columns``: its own where it is one."""
    named: dict[str, str] = {}
    for column in columns:
        own = column.isidentifier() and column not in TAKEN and not column.startswith("_")
        named[free(column if own else _identifier(column), (*named, *(c for c in columns if c != column)))] = column
    return named


def _identifier(column: str) -> str:
    """``column`` as a name: ``Review Text`` is review_text, ``1st text`` text_1st, ``answer`` answer_text."""
    words = re.findall(r"\w+", column.lower())
    plain = [word.strip("_") for word in words if word.strip("_")]
    if not plain:
        return "text"
    if plain[0][0].isidentifier():
        name = "_".join(plain)
    elif len(plain) > 1 and plain[1][0].isidentifier():
        name = "_".join([*plain[1:], plain[0]])
    else:
        name = "_".join(["text", *plain])
    name = name if name.isidentifier() else "text"  # such as a combining mark that no name can hold
    return f"{name}_text" if name in TAKEN else name


def free(name: str, taken: Iterable[str]) -> str:
    """``name``, with a number behind it where it is taken."""
    taken, number, free = set(taken), 1, name
    while free in taken:
        number += 1
        free = f"{name}_{number}"
    return free


def _write_split(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    with path.open("w", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
