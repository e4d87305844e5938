"""The committed baseline of a template: what it answered and how it was asked, in a file beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness import kinds
from harness.errors import InputError
from harness.results.store import Run
from harness.types import Example, Prediction, Signature, Status

# History of the file's layout. 1: question, task, labels, items_hash, prompts, prompt_tokens, items, runs. 2: kind in
# place of labels.
VERSION = 2
READABLE = (1, VERSION)
SUFFIX = ".baseline.json"


@dataclass(frozen=True, slots=True)
class Reading:
    """A template's prompts over the items: a hash of them all, and their mean length in ``tokens``."""

    prompts: str
    tokens: float


def write(path: Path, question: Mapping[str, Any], runs: Sequence[Run], reading: Reading) -> None:
    """Keep ``runs`` (one a seed, over the same items) as the baseline: items, and each run's answers a line."""
    first = runs[0]
    head = {
        "version": VERSION,
        "question": dict(question),
        "task": first.task,
        "kind": first.kind.document(),
        "items_hash": first.items_hash,
        "prompts": reading.prompts,
        "prompt_tokens": round(reading.tokens, 2),
    }
    items = [[e.id, e.target, e.cluster, dict(e.tags)] for e in first.examples]
    answers = [
        {
            "spec": dict(run.spec),
            "signature": run.signature.pairs,
            "answers": [[p.output, p.status.value] for p in run.predictions],
        }
        for run in runs
    ]
    # One line an item and a run, so that a change of the baseline reads well as a diff.
    lines = [f' "{key}": {json.dumps(value, ensure_ascii=False)},' for key, value in head.items()]
    for name, rows in (("items", items), ("runs", answers)):
        body = ",\n".join("  " + json.dumps(row, ensure_ascii=False) for row in rows)
        lines.append(f' "{name}": [\n{body}\n ]' + ("," if name == "items" else ""))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{\n" + "\n".join(lines) + "\n}\n", encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: the baseline cannot be written there: {error.strerror}.") from None


def read(path: Path) -> tuple[Mapping[str, Any], list[Run], Reading]:
    """The question, the runs and the prompts' reading. Raises InputError where the file is damaged or of
    another layout."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if document["version"] not in READABLE:
            raise InputError(
                f"{path}: a baseline of layout {document['version']}; this version reads "
                f"{' and '.join(map(str, READABLE))}. Save it anew with harness check --save."
            )
        if document["version"] == 1:  # when a label was the only kind of answer
            document["kind"] = {"name": "classification", "labels": document["labels"]}
        examples = tuple(Example(id_, {}, target, cluster, tags) for id_, target, cluster, tags in document["items"])
        runs = [_run(document, examples, row, path) for row in document["runs"]]
        reading = Reading(document["prompts"], float(document["prompt_tokens"]))
        return document["question"], runs, reading
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path}: no baseline that can be read ({type(error).__name__}: {error}). Save it anew with "
            "harness check --save."
        ) from None


def _run(document: Mapping[str, Any], examples: tuple[Example, ...], row: Mapping[str, Any], path: Path) -> Run:
    predictions = tuple(
        Prediction(example.id, output, Status(status))
        for example, (output, status) in zip(examples, row["answers"], strict=True)
    )
    counts = {status.value: sum(p.status is status for p in predictions) for status in (Status.UNPARSED, Status.FAILED)}
    return Run(
        path.name,
        document["task"],
        row["spec"],
        Signature(tuple((key, value) for key, value in row["signature"])),
        document["items_hash"],
        kinds.of(document["kind"], str(path)),
        predictions,
        examples,
        {},
        {},
        counts,
        {},
    )
