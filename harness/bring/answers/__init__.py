"""Answers that were made elsewhere, from the files that other programs leave. A format is a file here, and a line."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from itertools import chain
from pathlib import Path
from typing import Any

from harness.bring.answers import batch, columns, every_eval, inspect_log, lm_eval, match, promptfoo
from harness.bring.answers.said import Said
from harness.errors import InputError
from harness.task import files, jsons
from harness.task.definition import Task
from harness.task.source import Row, Source
from harness.types import Recording

# What a line of each format has; and what the one object of a file has.
LINES: tuple[tuple[set[str], Callable[[str, Mapping[str, Any]], Said]], ...] = (
    (lm_eval.KEYS, lm_eval.said),
    (every_eval.KEYS, every_eval.said),
    (batch.KEYS, batch.said),
)
OBJECTS: tuple[tuple[set[str], Callable[[str, Mapping[str, Any]], Iterator[Said]]], ...] = (
    (inspect_log.KEYS, inspect_log.said),
    (promptfoo.KEYS, promptfoo.said),
)


@dataclass(frozen=True, slots=True)
class Answers:
    """The answers that one gave to the items of a split, by the items' ids. ``digest`` is of the file that they come
    from, ``draw`` numbers them where one answered several times. ``told`` says what there is to know of the file."""

    name: str
    recordings: Mapping[str, Recording]
    digest: str
    draw: int
    model: str
    told: tuple[str, ...]


def read(given: str, task: Task, split: str) -> list[Answers]:
    """The answers in ``given``, a FILE or FILE:COLUMN, to the items of ``split``: one of each source and draw that the
    file has. Raises InputError for a file of another task, or one that answers an item twice."""
    path, column = _named(given)
    found = list(_said(path, column, task))
    if not found:
        raise InputError(f"{path}: holds no answers.")
    digest = sha256(path.read_bytes()).hexdigest()[:12]
    sources = list(dict.fromkeys((each.source, each.draw) for each in found))
    made = []
    for source, draw in sources:
        own = [each for each in found if (each.source, each.draw) == (source, draw)]
        matched, told = match.matched(own, task, split, str(path))
        name = _stem(path) + (f" {source}" if source and len({name for name, _ in sources}) > 1 else "")
        made.append(Answers(name, matched, digest, draw, next((each.model for each in own if each.model), ""), told))
    return made


def _named(given: str) -> tuple[Path, str | None]:
    """File and column of ``given``; a colon may be part of a file's name."""
    if ":" in given and not Path(given).exists():
        path, _, column = given.rpartition(":")
        if Path(path).exists():
            return Path(path), column
    return Path(given), None


def _stem(path: Path) -> str:
    return path.name.split(".")[0] or path.name


def _said(path: Path, column: str | None, task: Task) -> Iterator[Said]:
    if path.suffix.lower() == inspect_log.SUFFIX:
        Source(path)
        return inspect_log.archived(path)
    document = jsons.document(Source(path)) if path.name.lower().endswith((".json", ".json.gz")) else None
    if document is not None:
        for keys, one in OBJECTS:
            if keys <= document.keys():
                return one(str(path), document)
    rows = files.read(path, files.guess(path), (task.spec.target,)).rows
    first = next(rows, None)
    if first is None:
        return iter(())
    rows = chain([first], rows)
    for keys, each in LINES:
        if keys <= first[1].keys():
            return _lines(rows, keys, each, str(path))
    return columns.said(rows, task, column, str(path))


def _lines(
    rows: Iterator[Row], keys: set[str], said: Callable[[str, Mapping[str, Any]], Said], path: str
) -> Iterator[Said]:
    for where, row in rows:
        if missing := sorted(keys - row.keys()):
            raise InputError(f"{where}: no field {missing[0]!r}, which the lines before it in {path} have.")
        yield said(where, row)
