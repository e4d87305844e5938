"""doccano's JSON lines: a text, and spans under ``label``, ``labels`` or ``entities``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.bring.rows import Table
from harness.bring.shapes.file import File
from harness.bring.shapes.spans import Mention, Passage, mention, passage_text, table
from harness.errors import InputError
from harness.kinds import values
from harness.task import jsons

TEXTS = ("text", "data")
SPANS = ("entities", "label", "labels")


def found(file: File) -> bool:
    """Whether an object has a text, and a list of spans beside it."""
    return any(
        isinstance(value, Mapping)
        and any(isinstance(value.get(name), str) for name in TEXTS)
        and any(_is_span(each) for name in SPANS for each in _listed(value.get(name)))
        for value in file.values
    )


def read(file: File) -> Table:
    """A row an object. Raises InputError for a span that is neither ``[start, end, type]`` nor an object."""

    def passage(number: int, where: str, value: Any) -> Passage:
        if not isinstance(value, Mapping):
            raise InputError(f"{where}: must be one object, with a text and its spans.")
        text = passage_text(next((value[name] for name in TEXTS if name in value), None), where)
        held: Any = next((value[name] for name in SPANS if value.get(name)), [])
        return Passage(number, where, text, [_span(each, where) for each in _listed(held)])

    passages = (passage(number, *each) for number, each in enumerate(jsons.each(file.source), 1))
    return table(file.path, f"doccano, {file.source.encoding}", passages)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _is_span(each: Any) -> bool:
    if isinstance(each, Mapping):
        return "start_offset" in each and "end_offset" in each
    return isinstance(each, list) and len(each) == 3 and isinstance(values.place(each[0]), int)


def _span(each: Any, where: str) -> Mention:
    if isinstance(each, Mapping):
        return mention(each.get("start_offset"), each.get("end_offset"), each.get("label"), where)
    if not isinstance(each, list) or len(each) != 3:
        raise InputError(f"{where}: the span {each!r} is not [start, end, type].")
    return mention(each[0], each[1], each[2], where)
