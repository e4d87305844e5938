"""Inspect: logs as ``.eval`` (a ZIP archive of an object a sample) and as JSON."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from harness.bring.answers.said import Said, at, content, spent
from harness.errors import InputError

KEYS = {"eval", "samples"}
SUFFIX = ".eval"
HEADERS = ("header.json", "_journal/start.json")


def said(path: str, document: Mapping[str, Any]) -> Iterator[Said]:
    """Every sample; epochs are draws of one model."""
    model = str(at(document, "eval", "model") or "")
    for place, sample in enumerate(document["samples"] or (), 1):
        yield _sample(f"{path}, sample {place}", sample, model)


def archived(path: Path) -> Iterator[Said]:
    """The samples of an archive. Raises InputError where it is none, or packed in a way that Python cannot read."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            header: object = next((json.loads(archive.read(name)) for name in HEADERS if name in names), {})
            model = str(at(header, "eval", "model") or "")
            for name in sorted(name for name in names if name.startswith("samples/") and name.endswith(".json")):
                yield _sample(f"{path}, {name}", json.loads(archive.read(name), parse_int=str, parse_float=str), model)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}.") from None
    except NotImplementedError:
        raise InputError(
            f"{path}: packed in a way that Python cannot read. Write it as JSON: inspect log convert --to json "
            f"--output-dir DIR {path}"
        ) from None
    except (zipfile.BadZipFile, ValueError, RecursionError) as error:
        raise InputError(f"{path}: no log of Inspect that can be read: {error}.") from None


def _sample(where: str, sample: Any, model: str) -> Said:
    answer = at(sample, "output", "completion")
    if answer is None:
        answer = content(at(sample, "output", "choices", 0, "message"))
    row = at(sample, "metadata")
    given = at(sample, "input")
    if isinstance(given, list):
        users = [content(turn) for turn in given if at(turn, "role") == "user"]
        given = users[-1] if users else None
    counted = at(sample, "model_usage")
    return Said(
        where,
        row if isinstance(row, Mapping) else {},
        None if at(sample, "error") and not answer else answer,
        at(sample, "id"),
        given,
        failure=str(at(sample, "error", "message") or ""),
        spent=spent(at(counted, model) or at(sample, "output", "usage"), at(sample, "total_time")),
        draw=int(at(sample, "epoch") or 1) - 1,
        model=model,
    )
