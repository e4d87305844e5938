"""``run.json``: what each of its layouts holds, checked before any of it is used."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pydantic import (
    BaseModel,
    ConfigDict,
    NonNegativeFloat,
    NonNegativeInt,
    ValidationError,
    field_validator,
    model_validator,
)

from harness import kinds, paths, secret
from harness.errors import InputError
from harness.results import checksum

# History of the layout of run.json. 1: spec, signature, items_hash, labels, metrics, usage, counts, environment,
# checksums. 2: history; predictions.parquet holds each item's cluster and tags. 3: predictions.parquet holds what an
# unparsed text mentions. 4: kind in place of labels; checksums has one of run.json itself.
VERSION = 4
FILE, ROWS = "run.json", "predictions.parquet"
DIGITS = 300  # of a whole number: one of more is beyond what arithmetic with fractions holds
PARTS = ("value", "low", "high")


class _Bounds(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    value: float | None
    low: float | None
    high: float | None


class _Spec(BaseModel):
    """What tables ask of a run. A predictor may say more of itself."""

    model_config = ConfigDict(extra="allow", strict=True)
    predictor: str
    template: str | None
    selector: str | None
    shots: int | None
    order: str | None
    model: str | None
    seed: int
    split: str
    n: NonNegativeInt
    n_train: NonNegativeInt
    train_size: str | None
    main_metric: str


class _Usage(BaseModel):
    model_config = ConfigDict(extra="allow", strict=True)
    submitted_tokens: NonNegativeFloat
    computed_tokens: NonNegativeFloat
    trie_tokens: NonNegativeFloat
    generated_tokens: NonNegativeFloat
    retries: NonNegativeInt = 0  # which older runs have not
    seconds: NonNegativeFloat


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    version: int
    name: str
    task: str
    items_hash: str
    kind: dict[str, Any]
    spec: _Spec
    signature: str
    signature_pairs: list[tuple[str, str]]
    metrics: dict[str, _Bounds]
    usage: _Usage
    counts: dict[str, NonNegativeInt]
    environment: dict[str, str]
    history: list[dict[str, float]]
    checksums: dict[str, str]

    @field_validator("name", "task")
    @classmethod
    def _folder(cls, text: str) -> str:
        if not paths.is_name(text):
            raise ValueError("it is no name of a folder")
        return text

    @model_validator(mode="after")
    def _consistent(self) -> _Document:
        if self.spec.main_metric not in self.metrics:
            raise ValueError(f"metrics lacks the main metric {self.spec.main_metric!r}")
        if self.signature != "|".join(f"{key}:{value}" for key, value in self.signature_pairs):
            raise ValueError("signature and signature_pairs differ")
        return self


def signed(document: Mapping[str, Any]) -> dict[str, Any]:
    """``document``, without secrets of this process, with the checksum of all that it says."""
    plain = json.loads(secret.hidden(json.dumps(document)))  # as it will be read
    return {**plain, "checksums": {**plain["checksums"], FILE: _sum(plain)}}


def _sum(document: Mapping[str, Any]) -> str:
    """The checksum of all that ``document`` says but this one."""
    sums = document.get("checksums")
    rest = {name: value for name, value in sums.items() if name != FILE} if isinstance(sums, dict) else sums
    return checksum.of_document({**document, "checksums": rest})


def read(folder: Path) -> Mapping[str, Any]:
    """What ``run.json`` in ``folder`` says, as the present layout says it. Raises InputError where it is missing,
    damaged, changed since or of a layout that is not known."""
    path = folder / FILE
    try:
        document = json.loads(paths.text(path), parse_int=_whole)
    except FileNotFoundError:
        raise InputError(f"{folder}: not a sealed run: {FILE} is missing. Run it again.") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}. Delete the folder and run again.") from None
    except (ValueError, RecursionError):
        raise damaged(path, "it is not valid JSON") from None
    version = document.get("version") if isinstance(document, dict) else None
    if not isinstance(version, int):
        raise damaged(path, "it does not say its version")
    if version not in READERS:
        raise InputError(
            f"{folder}: a run of layout {version}; this version reads {', '.join(map(str, READERS))}. Run it again."
        )
    return READERS[version](document, path)


def _whole(text: str) -> int:
    if len(text) > DIGITS:
        raise ValueError(f"a number of {len(text)} digits")
    return int(text)


def _layout_4(document: dict[str, Any], path: Path) -> Mapping[str, Any]:
    sums, found = document.get("checksums"), _sum(document)
    expected = sums.get(FILE) if isinstance(sums, dict) else None
    if found != expected:
        raise InputError(
            f"{path}: checksum {found[:12]}, but it says {str(expected)[:12]}: the file was changed after the run. "
            "Delete the folder and run again."
        )
    return _checked(document, path, (ROWS, FILE))


def _layout_3(document: dict[str, Any], path: Path) -> Mapping[str, Any]:
    """As layout 4, without a checksum of its own, when a label was the only kind of answer."""
    kind = {"name": "classification", "labels": document.pop("labels", None)}
    return _checked({**document, "kind": kind}, path, (ROWS,))


def _checked(document: dict[str, Any], path: Path, sums: tuple[str, ...]) -> Mapping[str, Any]:
    try:
        _Document.model_validate_json(json.dumps(document))
    except ValidationError as error:
        first = error.errors()[0]
        raise damaged(path, f"{'.'.join(map(str, first['loc'])) or 'as a whole'}: {first['msg']}") from None
    if set(document["checksums"]) != set(sums):
        raise damaged(path, f"its checksums are not those of {' and '.join(sums)}")
    try:
        kinds.of(document["kind"], "kind")
    except InputError as error:
        raise damaged(path, str(error).rstrip(".")) from None
    return document


def damaged(path: Path, why: str) -> InputError:
    """The error for a file of a sealed run that cannot be what was sealed."""
    return InputError(f"{path}: damaged: {why}. Delete the folder and run again.")


READERS: Mapping[int, Callable[[dict[str, Any], Path], Mapping[str, Any]]] = {3: _layout_3, VERSION: _layout_4}
