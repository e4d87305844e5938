"""Runs on disk: ``results/TASK/RUN/`` with ``run.json`` and ``predictions.parquet``, sealed at once and checksummed."""

from __future__ import annotations

import json
import math
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import file_digest, sha256
from itertools import islice
from pathlib import Path
from typing import Any

from harness import kinds
from harness.errors import InputError
from harness.kinds import Kind
from harness.results import columns
from harness.types import Example, Prediction, Signature

# History of the layout of run.json. 1: spec, signature, items_hash, labels, metrics, usage, counts, environment,
# checksums. 2: history; predictions.parquet holds each item's cluster and tags. 3: predictions.parquet holds what an
# unparsed text mentions. 4: kind in place of labels.
VERSION = 4
READABLE = (3, VERSION)
PARTS = ("value", "low", "high")


@dataclass(frozen=True, slots=True)
class Run:
    """A finished run. ``spec`` says what was asked for, ``signature`` what was used, ``scores`` maps a metric's name to
    (value, low, high), ``usage`` counts tokens and seconds, ``counts`` items by status. ``examples`` are the items,
    without their inputs, in the order of ``predictions``. ``history`` holds a training's epochs."""

    name: str
    task: str
    spec: Mapping[str, Any]
    signature: Signature
    items_hash: str
    kind: Kind
    predictions: Sequence[Prediction]
    examples: Sequence[Example]
    scores: Mapping[str, tuple[float, float, float]]
    usage: Mapping[str, float]
    counts: Mapping[str, int]
    environment: Mapping[str, str]
    history: tuple[Mapping[str, float], ...] = ()


def clusters(examples: Sequence[Example]) -> list[str] | None:
    """Each item's cluster, or the item itself where it has none; None where no item has one."""
    if all(example.cluster is None for example in examples):
        return None
    return [f"item {e.id}" if e.cluster is None else f"cluster {e.cluster}" for e in examples]


def aligned(run: Run, like: Run) -> Run:
    """``run`` with its items in the order of ``like``'s: the same items may have been asked in another order."""
    if run.examples == like.examples:
        return run
    places = {example.id: place for place, example in enumerate(run.examples)}
    order = [places[example.id] for example in like.examples]
    return replace(run, examples=like.examples, predictions=tuple(run.predictions[place] for place in order))


def items_hash(examples: Sequence[Example]) -> str:
    """A hash of the items' ids, inputs and targets, whatever their order: what two runs must share to be compared."""
    whole = sha256()
    for place, e in enumerate(sorted(examples, key=lambda example: example.id)):
        whole.update(b", " if place else b"[")
        whole.update(json.dumps((e.id, e.target, sorted(e.inputs.items())), ensure_ascii=False).encode())
    whole.update(b"]")
    return whole.hexdigest()[:16]


def run_name(title: str, signature: Signature, items: str) -> str:
    """A readable title and eight digits of a hash: the same run twice has the same name."""
    readable = "".join(c if c.isalnum() or c in "-." else "-" for c in title).strip("-")[:60]
    return f"{readable}-{sha256(f'{signature}|{items}'.encode()).hexdigest()[:8]}"


def check_writable(root: Path) -> None:
    """Raises InputError where results cannot be written: asked before anything is computed, and writes nothing."""
    standing = next(p for p in (root.absolute(), *root.absolute().parents) if p.exists())
    why = "not a folder" if not standing.is_dir() else "no permission" if not os.access(standing, os.W_OK) else ""
    if why:
        raise InputError(
            f"{root}: results cannot be written there ({standing}: {why}). Give another folder with --results."
        )


def seal(run: Run, root: Path) -> Path:
    """Write ``run`` below ``root`` and return its folder. A sealed run whose predictions are the same is left as it is:
    its usage says what the answers cost when they were computed."""
    folder = root / run.task / run.name
    if folder.exists():
        try:
            if columns.same(_essence(load(folder)), _essence(run)):
                return folder
        except InputError:
            pass  # a damaged run is replaced
    folder.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=".sealing-", dir=folder.parent))
    try:
        os.chmod(work, 0o755)
        _write(run, work / "predictions.parquet")
        document = {
            "version": VERSION,
            **{key: getattr(run, key) for key in ("name", "task", "items_hash")},
            "kind": run.kind.document(),
            "spec": dict(run.spec),
            "signature": str(run.signature),
            "signature_pairs": run.signature.pairs,
            "metrics": {k: dict(zip(PARTS, map(_plain, v), strict=True)) for k, v in run.scores.items()},
            "usage": dict(run.usage),
            "counts": dict(run.counts),
            "environment": dict(run.environment),
            "history": [dict(epoch) for epoch in run.history],
            "checksums": {"predictions.parquet": _digest(work / "predictions.parquet")},
        }
        text = json.dumps(document, indent=2, ensure_ascii=False)
        (work / "run.json").write_text(text + "\n", encoding="utf-8")
        if folder.exists():
            shutil.rmtree(folder)
        os.replace(work, folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return folder


def load(folder: Path) -> Run:
    """The run sealed in ``folder``. Raises InputError where it is missing, damaged or of another layout."""
    from pyarrow.parquet import read_table

    try:
        document = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        expected = document["checksums"]["predictions.parquet"]
        found = _digest(folder / "predictions.parquet")
    except FileNotFoundError as error:
        raise InputError(f"{folder}: not a sealed run: {Path(error.filename).name} is missing. Run it again.") from None
    except (json.JSONDecodeError, KeyError, TypeError):
        raise InputError(f"{folder / 'run.json'}: damaged. Delete the folder and run again.") from None
    if document["version"] not in READABLE:
        known = " and ".join(map(str, READABLE))
        raise InputError(f"{folder}: a run of layout {document['version']}; this version reads {known}. Run it again.")
    if document["version"] == 3:  # when a label was the only kind of answer
        document["kind"] = {"name": "classification", "labels": document["labels"]}
    if expected != found:
        raise InputError(
            f"{folder / 'predictions.parquet'}: checksum {found[:12]}, but run.json says {expected[:12]}: the file was "
            "changed after the run. Delete the folder and run again."
        )
    rows = read_table(folder / "predictions.parquet")
    return Run(
        document["name"],
        document["task"],
        document["spec"],
        Signature(tuple((k, v) for k, v in document["signature_pairs"])),
        document["items_hash"],
        kinds.of(document["kind"], str(folder / "run.json")),
        columns.Predictions(rows),
        columns.Items(rows),
        {name: _bounds(values) for name, values in document["metrics"].items()},
        document["usage"],
        document["counts"],
        document["environment"],
        tuple(document["history"]),
    )


def find(root: Path, task: str | None = None) -> list[Path]:
    """The folders of sealed runs below ``root``, oldest first."""
    pattern = f"{task or '*'}/*/run.json"
    return sorted((p.parent for p in root.glob(pattern)), key=lambda p: ((p / "run.json").stat().st_mtime_ns, p.name))


def spent(root: Path) -> Iterator[tuple[Mapping[str, str], Mapping[str, float]]]:
    """The signature and the usage of every sealed run below ``root``, as far as they can be read."""
    for folder in find(root):
        try:
            document = json.loads((folder / "run.json").read_text(encoding="utf-8"))
            yield dict(document["signature_pairs"]), document["usage"]
        except (OSError, ValueError, KeyError, TypeError):
            continue  # a damaged run tells nothing


def _essence(run: Run) -> Iterator[object]:
    return ((p.example_id, p.output, p.status, p.mentioned, p.label_logprobs) for p in run.predictions)


def _bounds(values: Mapping[str, float | None]) -> tuple[float, float, float]:
    value, low, high = (math.nan if (found := values[part]) is None else found for part in PARTS)
    return value, low, high


def _plain(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def _write(run: Run, path: Path) -> None:
    """The rows, a chunk at a time."""
    import pyarrow as pa
    from pyarrow.parquet import ParquetWriter

    rows = (columns.row(run.kind, *pair) for pair in zip(run.examples, run.predictions, strict=True))
    with ParquetWriter(path, columns.schema()) as file:
        while chunk := list(islice(rows, columns.CHUNK)):
            file.write_table(pa.Table.from_pylist(chunk, schema=columns.schema()))
