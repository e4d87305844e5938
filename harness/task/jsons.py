"""JSON: one object a line, or an array of objects."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from harness.errors import InputError
from harness.task.source import Read, Source


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _Twice(f"key {twice!r} stands twice in one object. Give each a name of its own")
    return made


class _Twice(ValueError):
    pass


# Numbers stay the text they are written as: 1.50 is not 1.5.
DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_int=str, parse_float=str)
TYPED = json.JSONDecoder(object_pairs_hook=_object, parse_int=lambda text: int(text) if len(text) < DIGITS else text)
DIGITS = 40
SPACE = " \t\r\n"
WHOLE = 1 << 27  # characters of an array, which is held whole
SPACES = re.compile(f"[{SPACE}]*")


def read(source: Source, wanted: Sequence[str], typed: bool = False) -> Read:
    """The objects of ``source``: of an array where it begins with a bracket, else one a line. With ``typed`` numbers
    are numbers."""
    rows = ((where, _row(value, where)) for where, value in each(source, TYPED if typed else DECODER))
    if source.begins() == "[":
        return Read(f"a JSON array, {source.encoding}", rows)
    return Read(f"JSON, an object a line, {source.encoding}", rows)


def each(source: Source, decoder: json.JSONDecoder = DECODER) -> Iterator[tuple[str, Any]]:
    """The values of ``source``, of any sort, each with where it stands: of an array, else one a line."""
    return _array(source, decoder) if source.begins() == "[" else _lines(source, decoder)


def document(source: Source) -> Any:
    """The one object that ``source`` is; None where it is an object a line, or no object at all. Raises InputError with
    the line of what is damaged."""
    if source.begins() != "{" or _lined(source):
        return None
    text = _whole(source)
    try:
        made, end = DECODER.raw_decode(text, _skip(text, 0))
    except json.JSONDecodeError as error:
        reason = error.msg.removesuffix(" at")
        raise InputError(f"{source.path}, line {error.lineno}: not valid JSON: {reason}.") from None
    except _Twice as error:
        raise InputError(f"{source.path}: {error}.") from None
    except RecursionError:
        raise InputError(f"{source.path}: nested too deep to be data.") from None
    return made if _skip(text, end) == len(text) else None


def _lined(source: Source) -> bool:
    """Whether there are several lines, of which the first is a whole value."""
    filled = (line for line in source.lines(WHOLE) if line.strip(SPACE))
    first = next(filled, "")
    if next(filled, None) is None:
        return False
    try:
        DECODER.decode(first.strip(SPACE))
    except (ValueError, RecursionError):
        return False
    return True


def _lines(source: Source, decoder: json.JSONDecoder) -> Iterator[tuple[str, Any]]:
    for number, line in enumerate(source.lines(), 1):
        if text := line.strip(SPACE):
            where = f"{source.path}, line {number}"
            row, end = _value(text, 0, where, decoder)
            if end < len(text):
                raise InputError(f"{where}: not valid JSON: more follows the first value. Write one object a line.")
            yield where, row


def _array(source: Source, decoder: json.JSONDecoder) -> Iterator[tuple[str, Any]]:
    """The text is held whole, its objects one at a time."""
    text = _whole(source)
    place, line, counted = text.index("[") + 1, 1, 0
    while True:
        place = _skip(text, place)
        line, counted = line + text.count("\n", counted, place), place
        where = f"{source.path}, line {line}"
        if text[place : place + 1] == "]" and text[counted - 1 : counted] != ",":
            break
        row, place = _value(text, place, where, decoder)
        yield where, row
        place = _skip(text, place)
        if text[place : place + 1] == "]":
            break
        if text[place : place + 1] != ",":
            here = f"{source.path}, line {line + text.count(chr(10), counted, place)}"
            raise InputError(f"{here}: not valid JSON: ',' or ']' expected. The array is cut off or an item damaged.")
        place += 1
    if rest := text[place + 1 :].strip(SPACE):
        raise InputError(f"{source.path}: more follows the array: {rest[:20]!r}. Take it out.")


def _whole(source: Source) -> str:
    text = io.StringIO()
    for line in source.lines(WHOLE):
        if text.tell() + len(line) >= WHOLE:
            raise InputError(
                f"{source.path}: an array of more than {WHOLE:,} characters. Write one object a line, in a file that "
                "ends in .jsonl: those are read one by one."
            )
        text.write(line)
    return text.getvalue()


def _skip(text: str, place: int) -> int:
    found = SPACES.match(text, place)
    assert found is not None
    return found.end()


def _value(text: str, place: int, where: str, decoder: json.JSONDecoder) -> tuple[Any, int]:
    try:
        return decoder.raw_decode(text, place)
    except json.JSONDecodeError as error:
        reason = error.msg.removesuffix(" at")
        raise InputError(f"{where}: not valid JSON: {reason}, at character {error.pos - place + 1}.") from None
    except _Twice as error:
        raise InputError(f"{where}: {error}.") from None
    except RecursionError:
        raise InputError(f"{where}: nested too deep to be a row. Write one flat object a row.") from None


def _row(row: Any, where: str) -> dict[str, Any]:
    if not isinstance(row, dict):
        raise InputError(f'{where}: must be one JSON object a row, such as {{"text": "…", "label": "…"}}.')
    return row
