"""spaCy's training data as JSON, ``[text, {"entities": [[start, end, type]]}]``, and Prodigy's lines with ``spans``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from harness.bring.rows import Table
from harness.bring.shapes.file import File
from harness.bring.shapes.spans import Mention, Passage, mention, passage_text, table
from harness.errors import InputError
from harness.task import jsons

KEY = "entities"


def found(file: File) -> bool:
    """Whether there are pairs of a text and its entities, or objects of a text and ``spans``."""
    held = _annotations(file)
    return any(_is_pair(value) or _is_line(value) for value in (file.values if held is None else held[:100]))


def read(file: File) -> Table:
    """A row a text; of Prodigy's lines those that were not accepted are left out, and told."""
    passages, refused = list[Passage](), 0
    for number, (where, value) in enumerate(_values(file), 1):
        if value is None:
            continue  # as tools write for what was skipped
        if isinstance(value, Mapping):
            if value.get("answer", "accept") != "accept":
                refused += 1
                continue
            text = passage_text(value.get("text"), where)
            spans = [_fields(each, where) for each in _list(value.get("spans") or [], where, "spans")]
            made = [mention(each.get("start"), each.get("end"), each.get("label"), where) for each in spans]
        elif _is_pair(value):
            text = passage_text(value[0], where)
            made = [_three(each, where) for each in _list(value[1][KEY], where, KEY)]
        else:
            raise InputError(f'{where}: must be [text, {{"entities": [[start, end, type]]}}].')
        passages.append(Passage(number, where, text, made))
    said = [f"left out {refused} texts whose marks were not accepted"] if refused else []
    return table(file.path, f"spaCy, {file.source.encoding}", passages, said)


def _annotations(file: File) -> list[Any] | None:
    """The pairs of a document that names its classes first."""
    held = file.document.get("annotations") if isinstance(file.document, Mapping) else None
    return held if isinstance(held, list) else None


def _values(file: File) -> Iterator[tuple[str, Any]]:
    held = _annotations(file)
    if held is None:
        return jsons.each(file.source)
    return ((f"{file.path}, text {number}", value) for number, value in enumerate(held, 1))


def _is_pair(value: Any) -> bool:
    pair = isinstance(value, list) and len(value) == 2 and isinstance(value[0], str)
    return pair and isinstance(value[1], Mapping) and KEY in value[1]


def _is_line(value: Any) -> bool:
    if not isinstance(value, Mapping) or not isinstance(value.get("text"), str):
        return False
    spans = value.get("spans")
    return isinstance(spans, list) and any(isinstance(each, Mapping) and "start" in each for each in spans)


def _list(value: Any, where: str, name: str) -> list[Any]:
    if not isinstance(value, list):
        raise InputError(f"{where}: field {name!r} is no list of spans.")
    return value


def _fields(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise InputError(f"{where}: the span {value!r} is no object with start, end and label.")
    return value


def _three(value: Any, where: str) -> Mention:
    if not isinstance(value, list) or len(value) < 3:
        raise InputError(f"{where}: the span {value!r} is not [start, end, type].")
    return mention(value[0], value[1], value[2], where)
