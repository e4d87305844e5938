"""``harness init``: a project of the user's own, made from a CSV and ready to run."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path

import yaml

from harness.chance import rng
from harness.errors import InputError, unknown
from harness.prompt.leak import Overlap
from harness.types import Example

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


def init(
    folder: Path,
    name: str,
    data: Path,
    inputs: tuple[str, ...],
    target: str,
    test: Path | None = None,
    encoding: str = "utf-8",
    seed: int = 0,
) -> list[str]:
    """Write ``tasks/NAME`` and ``prompts/NAME`` below ``folder``, and say what was done, a line each.

    ``data`` is cut in train, dev and test (60, 10 and 30 %, each label in proportion) unless ``test`` gives the test
    set: then a tenth of ``data`` becomes dev. Test items whose text, or nearly, is also in train are named in the
    report and left in place. Raises InputError, having written nothing, where a file or column is missing.
    """
    if not name or any(c in name for c in "/\\ ."):
        raise InputError(f"task name {name!r}: use letters, digits, - and _ only.")
    if (folder / "tasks" / name).exists():
        raise InputError(f"{folder / 'tasks' / name} exists already. Choose another --name, or delete it.")
    rows, given = _read(data, encoding), _read(test, encoding) if test else []
    for path, read in ((data, rows), *(((test, given),) if test else ())):
        for column in (*inputs, target):
            if column not in read[0]:
                raise unknown("column", column, read[0], str(path))
    labels = Counter(row[target] for row in rows)
    if len(labels) < 2:
        raise InputError(f"{data}: column {target!r} holds one label only ({', '.join(labels)}); two are the least.")
    said = [f"read {len(rows)} rows with {len(labels)} labels from {data}"]
    if test:
        strange = {row[target] for row in given} - set(labels)
        if strange:
            raise InputError(f"{test}: labels that {data} never shows: {', '.join(sorted(strange))}.")
        said.append(f"read {len(given)} rows from {test} as the test split")
        train, dev, rest = _split(rows, target, (0.9, 0.1, 0.0), seed)
        rest = given + rest
    else:
        train, dev, rest = _split(rows, target, (0.6, 0.1, 0.3), seed)
    splits = {"train": train, "dev": dev, "test": rest}
    said.append("splits: " + ", ".join(f"{len(part)} {split}" for split, part in splits.items()))
    said += _overlap(train, rest, inputs, target)
    task, prompts = folder / "tasks" / name, folder / "prompts" / name
    try:
        task.mkdir(parents=True)
        prompts.mkdir(parents=True, exist_ok=True)
        for split, part in splits.items():
            _write_split(task / f"{split}.jsonl", part, split, (*inputs, target))
        _write_task(task / "task.yaml", name, inputs, target, sorted(labels), data)
        for stem, text in (("plain", PLAIN), ("instruction", INSTRUCTION)):
            _write_template(prompts / f"{stem}.j2", text, inputs)
    except OSError as error:
        raise InputError(f"{error.filename}: cannot be written: {error.strerror}.") from None
    said.append(f"wrote {task} and {prompts}")
    return said


def _read(path: Path, encoding: str) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8-sig" if encoding == "utf-8" else encoding, newline="") as file:
            rows = [{k: (v or "").strip() for k, v in row.items() if k} for row in csv.DictReader(file)]
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}: byte {error.start} is not {encoding}. Say another --encoding, such as latin-1."
        ) from None
    if not rows:
        raise InputError(f"{path}: no rows below the header.")
    return rows


def _split(
    rows: list[dict[str, str]], target: str, shares: tuple[float, float, float], seed: int
) -> tuple[list[dict[str, str]], ...]:
    """Each label's rows, shuffled, cut by ``shares``; at least one of each label in train."""
    parts: tuple[list[dict[str, str]], ...] = ([], [], [])
    groups: dict[str, list[dict[str, str]]] = {}
    for row in rows:
        groups.setdefault(row[target], []).append(row)
    for label in sorted(groups):
        group = [groups[label][i] for i in rng("split", seed, label).permutation(len(groups[label]))]
        first = max(1, round(len(group) * shares[0]))
        second = len(group) if shares[2] == 0 else first + round(len(group) * shares[1])
        for part, piece in zip(parts, (group[:first], group[first:second], group[second:]), strict=True):
            part.extend(piece)
    return parts


def _overlap(
    train: list[dict[str, str]], test: list[dict[str, str]], inputs: tuple[str, ...], target: str
) -> list[str]:
    def examples(rows: list[dict[str, str]], split: str) -> list[Example]:
        return [Example(f"{split}-{i}", {k: row[k] for k in inputs}, row[target]) for i, row in enumerate(rows, 1)]

    overlap = Overlap(examples(train, "train"))
    near = [example.id for example in examples(test, "test") if overlap.barred(example)]
    if not near:
        return ["no test item is a near-duplicate of a train item"]
    return [
        f"{len(near)} test items are near-duplicates of train items "
        f"({', '.join(near[:3])}{', …' if len(near) > 3 else ''}): they "
        "stay, are never shown as their own demonstration, and flatter trained baselines"
    ]


def _write_split(path: Path, rows: list[dict[str, str]], split: str, columns: tuple[str, ...]) -> None:
    with path.open("w", encoding="utf-8") as file:
        for i, row in enumerate(rows, 1):
            file.write(json.dumps({"id": f"{split}-{i}", **{c: row[c] for c in columns}}, ensure_ascii=False) + "\n")


def _write_task(path: Path, name: str, inputs: tuple[str, ...], target: str, labels: list[str], data: Path) -> None:
    document = {
        "kind": "classification",
        "description": f"What {name} is about, in one sentence.",
        "language": "en",
        "licence": "unknown",
        "source": data.name,
        "inputs": list(inputs),
        "target": target,
        "id": "id",
        "labels": dict.fromkeys(labels, ""),
        "splits": {"train": "train.jsonl", "dev": "dev.jsonl", "test": "test.jsonl"},
        "metrics": ["accuracy", "macro-f1", "mcc", "parse-failure-rate", "ece"],
        "main_metric": "accuracy",
    }
    path.write_text(yaml.safe_dump(document, sort_keys=False, allow_unicode=True), encoding="utf-8")


def _write_template(path: Path, text: str, inputs: tuple[str, ...]) -> None:
    def lines(prefix: str) -> str:
        return "\n".join(f"{name.capitalize()}: {{{{ {prefix}{name} }}}}" for name in inputs)

    if not path.exists():  # the user's own template wins
        path.write_text(text.format(shot=lines("shot."), item=lines("")), encoding="utf-8")
