"""The committed baseline of a template: what it answered and how it was asked, in a file beside it."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from harness import aside, kinds, paths
from harness.errors import InputError, unknown
from harness.results import checksum
from harness.results.store import Run
from harness.types import Example, Prediction, Signature, Spent, Status, Trace

# History of the file's layout. 1: question, task, labels, items_hash, prompts, prompt_tokens, items, runs; it is no
# longer read, since nothing in it tells whether it was changed. 2: kind in place of labels; a checksum of all the rest;
# prompt_tokens is null where it is not known.
VERSION = 2
SUFFIX = ".baseline.json"
MEND = "Save it anew with harness check --save."


class _Spec(BaseModel):
    """What a comparison asks of a run. A predictor may say more of itself."""

    model_config = ConfigDict(extra="allow", strict=True)
    predictor: str
    seed: int
    train_size: str | None


class _Answers(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    spec: _Spec
    signature: list[tuple[str, str]]
    answers: list[tuple[str | None, Status]]
    spent: list[tuple[int, int, float | None]] | None = None  # which older baselines have not


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    version: int
    question: dict[str, Any]
    task: str
    kind: dict[str, Any]
    items_hash: str
    prompts: str
    prompt_tokens: float | None = Field(gt=0)
    items: list[tuple[str, str, str | None, dict[str, str]]] = Field(min_length=1)
    runs: list[_Answers] = Field(min_length=1)
    checksum: str


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
        "prompt_tokens": None if math.isnan(reading.tokens) else round(reading.tokens, 2),
    }
    items = [[e.id, e.target, e.cluster, dict(e.tags)] for e in first.examples]
    answers = [
        {
            "spec": dict(run.spec),
            "signature": run.signature.pairs,
            "answers": [[p.output, p.status.value] for p in run.predictions],
            "spent": [astuple(p.trace.spent if p.trace else Spent()) for p in run.predictions],
        }
        for run in runs
    ]
    # One line an item and a run, so that a change of the baseline reads well as a diff.
    lines = [f' "{key}": {json.dumps(value, ensure_ascii=False)},' for key, value in head.items()]
    for name, rows in (("items", items), ("runs", answers)):
        body = ",\n".join("  " + json.dumps(row, ensure_ascii=False) for row in rows)
        lines.append(f' "{name}": [\n{body}\n ],')
    text = "{\n" + "\n".join(lines) + "\n"
    sum_ = checksum.of_document(json.loads(text.rstrip().rstrip(",") + "}"))
    aside.write(path, f'{text} "checksum": "{sum_}"\n}}\n')


def read(path: Path) -> tuple[Mapping[str, Any], list[Run], Reading]:
    """The question, the runs and the prompts' reading. Raises InputError where the file is damaged, changed since it
    was saved, or of another layout."""
    found = _read(path)
    examples = tuple(Example(id_, {}, target, cluster, tags) for id_, target, cluster, tags in found.items)
    runs = [_run(found, examples, row, path) for row in found.runs]
    tokens = math.nan if found.prompt_tokens is None else found.prompt_tokens
    return found.question, runs, Reading(found.prompts, tokens)


def document(path: Path) -> dict[str, Any]:
    """What the file says, as it was saved. Raises InputError where it is damaged, changed or of another layout."""
    try:
        said = json.loads(paths.text(path), parse_constant=_no_number)
        version = said["version"]
        rest = {key: value for key, value in said.items() if key != "checksum"}
        found = checksum.of_document(rest)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(f"{path}: no baseline that can be read ({type(error).__name__}: {error}). {MEND}") from None
    if version != VERSION:
        raise InputError(f"{path}: a baseline of layout {version}; this version reads {VERSION}. {MEND}")
    if found != said.get("checksum"):
        raise InputError(f"{path}: the baseline was changed after it was saved. {MEND}")
    return dict(said)


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _read(path: Path) -> _Document:
    try:
        found = _Document.model_validate_json(json.dumps(document(path)))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "as a whole"
        raise InputError(f"{path}: no baseline that can be read ({where}: {first['msg']}). {MEND}") from None
    _check(found, path)
    return found


def _check(found: _Document, path: Path) -> None:
    """Raises InputError where items and answers do not fit each other or the labels."""
    id_, times = Counter(id_ for id_, *_ in found.items).most_common(1)[0]
    if times > 1:
        raise InputError(f"{path}: item {id_!r} stands there {times} times. {MEND}")
    outputs = kinds.of(found.kind, str(path)).outputs
    for id_, target, *_ in found.items:
        if outputs and target not in outputs:
            raise unknown("label", target, outputs, f"{path}, item {id_!r}")
    for row in found.runs:
        if len(row.answers) != len(found.items):
            raise InputError(f"{path}: {len(row.answers)} answers to {len(found.items)} items. {MEND}")
        if row.spent is not None and len(row.spent) != len(found.items):
            raise InputError(f"{path}: tokens of {len(row.spent)} answers to {len(found.items)} items. {MEND}")
        for (id_, *_), (output, status) in zip(found.items, row.answers, strict=True):
            if outputs and output is not None and output not in outputs:
                raise unknown("answer", output, outputs, f"{path}, item {id_!r}")
            if (output is None) == (status is Status.OK):
                raise InputError(f"{path}, item {id_!r}: status {status.value} with the answer {output}. {MEND}")


def _run(found: _Document, examples: tuple[Example, ...], row: _Answers, path: Path) -> Run:
    spent = [Spent()] * len(examples) if row.spent is None else [Spent(*each) for each in row.spent]
    predictions = tuple(
        Prediction(example.id, output, status, trace=Trace(spent=each))
        for example, (output, status), each in zip(examples, row.answers, spent, strict=True)
    )
    counts = {status.value: sum(p.status is status for p in predictions) for status in (Status.UNPARSED, Status.FAILED)}
    return Run(
        path.name,
        found.task,
        row.spec.model_dump(),
        Signature(tuple(row.signature)),
        found.items_hash,
        kinds.of(found.kind, str(path)),
        predictions,
        examples,
        {},
        {},
        counts,
        {},
    )
