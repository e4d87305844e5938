"""What one field of a data row holds, as text, and what a list of names may hold."""

from __future__ import annotations

import datetime
import decimal
import math
from collections.abc import Sequence

from harness.errors import InputError, unknown

PLAIN = (int, float, decimal.Decimal, datetime.date, datetime.time, datetime.timedelta)
MENDS = {
    "NoneType": "null: give it a text, or take the row out",
    "list": "a list: join it to one text",
    "dict": "an object: give one text, or name its fields as columns of their own",
    "bytes": "bytes: decode them to text",
}


def missing(value: object) -> bool:
    """Whether nothing is there: null, or what pandas writes where a number is missing."""
    if isinstance(value, float | decimal.Decimal):
        return math.isnan(value)
    return value is None


def text(value: object, where: str, field: str) -> str:
    """``value`` as a text: a text as it is, a number in its shortest form (a whole one without a point), ``true`` and
    ``false`` as JSON writes them, a date as ISO 8601 does.

    Readers hand over numbers that a file writes as text in the form they have there. Raises InputError naming row and
    field for what is no text."""
    if isinstance(value, str):
        return _sound(value, where, field)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float | decimal.Decimal) and not math.isfinite(value):
        raise InputError(f"{where}: field {field!r} is not a number ({value}): give it a value, or take the row out.")
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    if isinstance(value, PLAIN):
        return str(value)
    mend = MENDS.get(type(value).__name__, f"of type {type(value).__name__}: give a text, a number, true or false")
    raise InputError(f"{where}: field {field!r} is {mend}.")


def place(value: object) -> object:
    """``value`` as a whole number, where it is one, or the text of one: readers leave numbers as they are written."""
    if isinstance(value, str) and value.strip().lstrip("-").isdecimal():
        return int(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return None if isinstance(value, bool) else value


def names(listed: Sequence[object]) -> list[str]:
    """The names in a list. Raises ValueError for what is none, and for one that stands twice."""
    if odd := [name for name in listed if isinstance(name, dict | list)]:
        raise ValueError(f"{odd[0]} is no name; put a name that YAML reads otherwise in quotes")
    texts = [str(name) for name in listed]
    if twice := [name for name in texts if texts.count(name) > 1]:
        raise ValueError(f"{twice[0]!r} stands twice")
    return texts


def context(named: str | None, inputs: Sequence[str]) -> None:
    """Raises ValueError unless ``named`` is one of ``inputs``, or not said where there is but one."""
    if named is None and len(inputs) > 1:
        raise ValueError(f"say in which input the answer lies: context: {inputs[0]}")
    if named is not None and named not in inputs:
        raise ValueError(str(unknown("input", named, inputs, "field context")))


def described(value: object) -> object:
    """What task.yaml says for a set of names: a mapping of each to its description, or a list where none has one."""
    if isinstance(value, list):
        return dict.fromkeys(names(value), "")
    if isinstance(value, dict):
        return {str(name): "" if text is None else text for name, text in value.items()}
    return value


def _sound(value: str, where: str, field: str) -> str:
    if value.isascii() and "\0" not in value:
        return value
    if "\0" in value:
        raise InputError(f"{where}: field {field!r} holds a NUL character, which text has not. Take it out.")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as error:
        raise InputError(
            f"{where}: field {field!r} holds half a character ({value[error.start]!a}, a lone surrogate) at place "
            f"{error.start + 1}. Write the whole character, or take it out."
        ) from None
    return value
