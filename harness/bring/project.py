"""The files of a new project: its task, its splits and its first templates."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from harness.errors import InputError
from harness.task import asis
from harness.task.definition import RESERVED

PLAIN = """---
description: The text and its label, nothing else.
---
{{% for shot in shots %}}
{shot}
Label: {{{{ shot.answer }}}}

{{% endfor %}}
{item}
Label:
"""
# Doubled braces are Jinja's: these texts go through str.format.
INSTRUCTION = """---
description: An instruction that names the labels, then the examples.
---
Classify the text as one of: {{{{ labels | join(", ") }}}}.

{{% for shot in shots %}}
{shot}
Label: {{{{ shot.answer }}}}

{{% endfor %}}
{item}
Label:
"""
# Words that a template reads as its own, and those that `shot.NAME` finds in the demonstration before its inputs.
TAKEN = {
    *RESERVED, *dir(dict), "shot", "loop", "self", "super", "caller", "varargs", "kwargs", "true", "false", "none",
    "True", "False", "None", "and", "or", "not", "in", "is", "if", "else", "elif", "for", "block", "set", "macro",
    "call", "filter", "import", "from", "include", "extends", "with", "without", "context", "recursive", "range",
    "namespace", "cycler", "joiner", "lipsum",
}  # fmt: skip


@dataclass(frozen=True)
class Row:
    """One row of the user's table: its number in the file, its inputs by column, and its label."""

    number: int
    inputs: Mapping[str, str]
    label: str


def write(
    folder: Path,
    name: str,
    splits: Mapping[str, Sequence[Row]],
    inputs: Sequence[str],
    target: str,
    labels: Sequence[str],
    data: Path,
) -> str:
    """Write ``tasks/NAME`` and ``prompts/NAME`` below ``folder``, and say so. The user's own templates stay."""
    task, prompts = folder / "tasks" / name, folder / "prompts" / name
    named = names(inputs)
    key = _free("id", (*inputs, target))
    document = {
        "kind": "classification",
        "description": f"What {name} is about, in one sentence.",
        "language": "en",
        "licence": "unknown",
        "source": data.name,
        "inputs": list(named) if list(named) == list(inputs) else named,
        "target": target,
        "id": key,
        "labels": dict.fromkeys(labels, ""),
        "splits": {split: f"{split}.jsonl" for split in splits},
        "metrics": ["accuracy", "macro-f1", "mcc", "parse-failure-rate", "ece"],
        "main_metric": "accuracy",
    }
    try:
        task.mkdir(parents=True)
        prompts.mkdir(parents=True, exist_ok=True)
        for split, part in splits.items():
            rows = ({key: f"{split}-{row.number}", **row.inputs, target: row.label} for row in part)
            _write_split(task / f"{split}.jsonl", rows)
        (task / "task.yaml").write_text(_yaml(document), encoding="utf-8")
        for stem, template in (("plain", PLAIN), ("instruction", INSTRUCTION)):
            _write_template(prompts / f"{stem}.j2", template, list(named))
    except OSError as error:
        raise InputError(f"{error.filename}: cannot be written: {error.strerror}.") from None
    return f"wrote {task} and {prompts}"


def _yaml(document: Mapping[str, Any]) -> str:
    """``document`` in letters of any alphabet; escaped where it would be read back otherwise (PyYAML loses U+0085)."""
    text = str(yaml.safe_dump(document, sort_keys=False, allow_unicode=True))
    return text if asis.load(text) == document else str(yaml.safe_dump(document, sort_keys=False))


def names(columns: Sequence[str]) -> dict[str, str]:
    """A name that templates can use for each of ``columns``: its own where it is one."""
    named: dict[str, str] = {}
    for column in columns:
        own = column.isidentifier() and column not in TAKEN and not column.startswith("_")
        named[_free(column if own else _identifier(column), (*named, *(c for c in columns if c != column)))] = column
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


def _free(name: str, taken: Iterable[str]) -> str:
    taken, number, free = set(taken), 1, name
    while free in taken:
        number += 1
        free = f"{name}_{number}"
    return free


def _write_split(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    with path.open("w", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


def _write_template(path: Path, text: str, inputs: Sequence[str]) -> None:
    def lines(prefix: str) -> str:
        return "\n".join(f"{name.replace('_', ' ').capitalize()}: {{{{ {prefix}{name} }}}}" for name in inputs)

    if not path.exists():
        path.write_text(text.format(shot=lines("shot."), item=lines("")), encoding="utf-8")
