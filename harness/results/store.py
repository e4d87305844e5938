"""Runs on disk: ``results/TASK/RUN/`` with ``run.json`` and ``predictions.parquet``, sealed at once and checksummed."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any

from harness import kinds, paths
from harness.errors import HarnessError, InputError, unknown
from harness.kinds import Kind
from harness.results import checksum, columns, document, whole
from harness.types import Example, Prediction, Signature

Tell = Callable[[InputError], None]
"""Called with what is wrong with a run that is left out."""
SEALING = ".sealing-"


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
    if places.keys() != {example.id for example in like.examples}:
        raise InputError(
            f"runs {run.name} and {like.name} say that they have the same items, but have not. Run both again."
        )
    order = [places[example.id] for example in like.examples]
    return replace(run, examples=like.examples, predictions=tuple(run.predictions[place] for place in order))


def items_hash(examples: Sequence[Example]) -> str:
    """A hash of the items' ids, inputs and targets, whatever their order: what two runs must share to be compared."""
    whole = sha256()
    for place, e in enumerate(sorted(examples, key=lambda example: example.id)):
        whole.update(b", " if place else b"[")
        own = (e.options,) if e.options else ()
        whole.update(json.dumps((e.id, e.target, sorted(e.inputs.items()), *own), ensure_ascii=False).encode())
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
    """Write ``run`` below ``root`` and return its folder. A sealed run that says the same is left as it is. One whose
    predictions only are the same lends its usage and environment: what the answers cost when they were
    computed, and by what. Several may seal the same run at once. Raises HarnessError where it cannot be written; then
    nothing of it is there."""
    from pyarrow import ArrowException

    folder = root / paths.name("task", run.task) / paths.name("run", run.name)
    try:
        with whole.filling(folder.parent, SEALING) as work:
            _write(run, work / document.ROWS)
            sums = {document.ROWS: checksum.of_file(work / document.ROWS)}
            while True:
                kept = _kept(folder, run)
                said = {**_document(run), **{key: kept[key] for key in ("usage", "environment") if key in kept}}
                said = document.signed(said | {"checksums": sums})
                if _said(said) == _said(kept):
                    return folder
                text = json.dumps(said, indent=2, ensure_ascii=False)
                (work / document.FILE).write_text(text + "\n", encoding="utf-8")
                whole.clear(folder, SEALING)
                if whole.put(work, folder):
                    return folder
    except (OSError, ArrowException) as error:
        why = getattr(error, "strerror", None) or str(error).splitlines()[0]
        raise HarnessError(
            f"{folder}: the run cannot be sealed there: {why}. Nothing of it was left. Make room, or make the folder "
            "writable, and run again: answers and trained models that are kept are not made again."
        ) from None


def _kept(folder: Path, run: Run) -> Mapping[str, Any]:
    """What run.json in ``folder`` says, if its predictions are those of ``run``; a damaged run says nothing."""
    try:
        if folder.exists() and columns.same(_essence(load(folder)), _essence(run)):
            return document.read(folder)
    except InputError:
        pass
    return {}


def _document(run: Run) -> dict[str, Any]:
    """What run.json says of ``run``, but for the checksums."""
    return {
        "version": document.VERSION,
        **{key: getattr(run, key) for key in ("name", "task", "items_hash")},
        "kind": run.kind.document(),
        "spec": dict(run.spec),
        "signature": str(run.signature),
        "signature_pairs": run.signature.pairs,
        "metrics": {k: dict(zip(document.PARTS, map(_plain, v), strict=True)) for k, v in run.scores.items()},
        "usage": dict(run.usage),
        "counts": dict(run.counts),
        "environment": dict(run.environment),
        "history": [dict(epoch) for epoch in run.history],
    }


def _said(said: Mapping[str, Any]) -> str:
    """All but the checksums, which hang on how pyarrow writes a file."""
    return json.dumps({key: value for key, value in said.items() if key != "checksums"}, sort_keys=True)


def load(folder: Path) -> Run:
    """The run sealed in ``folder``. Raises InputError where it is missing, damaged or of another layout."""
    said, path = document.read(folder), folder / document.ROWS
    expected = said["checksums"][document.ROWS]
    try:
        found = checksum.of_file(path)
    except FileNotFoundError:
        raise InputError(f"{folder}: not a sealed run: {path.name} is missing. Run it again.") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}. Delete the folder and run again.") from None
    if expected != found:
        raise InputError(
            f"{path}: checksum {found[:12]}, but run.json says {expected[:12]}: the file was changed after the run. "
            "Delete the folder and run again."
        )
    rows = _read(path, said["spec"]["n"])
    return Run(
        said["name"],
        said["task"],
        said["spec"],
        Signature(tuple((k, v) for k, v in said["signature_pairs"])),
        said["items_hash"],
        kinds.of(said["kind"], str(folder / document.FILE)),
        columns.Predictions(rows),
        columns.Items(rows),
        {name: _bounds(values) for name, values in said["metrics"].items()},
        said["usage"],
        said["counts"],
        said["environment"],
        tuple(said["history"]),
    )


def load_all(folders: Iterable[Path], tell: Tell) -> Iterator[Run]:
    """The runs in ``folders`` that can be read; what is wrong with each other one is told."""
    for folder in folders:
        try:
            yield load(folder)
        except InputError as error:
            tell(error)


def find(root: Path, task: str | None = None) -> list[Path]:
    """The folders of sealed runs below ``root``, oldest first."""
    found = root.glob(f"{task or '*'}/[!.]*/{document.FILE}")
    return sorted((p.parent for p in found), key=lambda p: ((p / "run.json").stat().st_mtime_ns, p.name))


def named(said: str, root: Path, task: str | None = None) -> Path:
    """The folder of the sealed run ``said``: a folder, or that of its name below ``root``. Raises InputError where
    there is none."""
    if Path(said).is_dir():
        return Path(said)
    known = {folder.name: folder for folder in find(root, task)}
    if said not in known:
        raise unknown("run", said, known, f"{root}, task {task!r}" if task else str(root))
    return known[said]


def spent(root: Path, tell: Tell = lambda _: None) -> Iterator[tuple[Mapping[str, str], Mapping[str, float]]]:
    """The signature and the usage of every sealed run below ``root`` that can be read; what is wrong with each other
    one is told."""
    for folder in find(root):
        try:
            said = document.read(folder)
        except InputError as error:
            tell(error)
        else:
            yield dict(said["signature_pairs"]), said["usage"]


def _essence(run: Run) -> Iterator[object]:
    return ((p.example_id, p.output, p.status, p.mentioned, p.label_logprobs) for p in run.predictions)


def _bounds(values: Mapping[str, float | None]) -> tuple[float, float, float]:
    value, low, high = (math.nan if (found := values[part]) is None else found for part in document.PARTS)
    return value, low, high


def _plain(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


def _read(path: Path, n: int) -> Any:
    """The rows, if they are ``n`` and have the columns of a run."""
    from pyarrow import ArrowException
    from pyarrow.parquet import read_table

    try:
        rows = read_table(path)
        rows.validate(full=True)
    except (ArrowException, OSError) as error:
        raise document.damaged(path, f"it is no Parquet file ({str(error).splitlines()[0]})") from None
    if missing := [name for name in columns.schema().names if name not in (*rows.column_names, *columns.LATER)]:
        raise document.damaged(path, f"no column {missing[0]!r}")
    if rows.num_rows != n:
        raise document.damaged(path, f"{rows.num_rows} rows, where run.json says {n} items")
    if wrong := columns.flaw(rows):
        raise document.damaged(path, wrong)
    return rows


def _write(run: Run, path: Path) -> None:
    """The rows, a chunk at a time."""
    import pyarrow as pa
    from pyarrow.parquet import ParquetWriter

    rows = (columns.row(run.kind, *pair) for pair in zip(run.examples, run.predictions, strict=True))
    with ParquetWriter(path, columns.schema()) as file:
        while chunk := list(islice(rows, columns.CHUNK)):
            file.write_table(pa.Table.from_pylist(chunk, schema=columns.schema()))
