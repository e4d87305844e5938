"""One answer as a file has it, before it is known which item it is for."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.errors import InputError
from harness.types import Spent

PROMPT = ("prompt_tokens", "input_tokens", "prompt", "input")
WRITTEN = ("completion_tokens", "output_tokens", "completion", "output")


@dataclass(frozen=True, slots=True)
class Said:
    """``where`` it stands; ``row``, what the file says of the item, by column; ``id`` and ``text``, which item it is,
    where a format has a field of its own for that. ``answer`` is what was said, a text or data; None for nothing, and
    ``failure`` says why where that is known. ``scores`` maps labels to log-probabilities or probabilities. Of a file
    with answers of several, ``source`` names whose it is; ``draw`` numbers those that one gave to one item."""

    where: str
    row: Mapping[str, Any]
    answer: Any
    id: Any = None
    text: Any = None
    scores: Mapping[str, float] | None = None
    failure: str = ""
    spent: Spent = field(default_factory=Spent)
    source: str = ""
    draw: int = 0
    model: str = ""


def spent(counts: object, seconds: object = None, milliseconds: object = None) -> Spent:
    """Tokens, by the names that programs give them, zero where ``counts`` has none; and the time, where it is told."""
    known = counts if isinstance(counts, Mapping) else {}
    prompt, written = (next((known[name] for name in names if name in known), 0) for names in (PROMPT, WRITTEN))
    took = _duration(seconds, 1.0) if milliseconds is None else _duration(milliseconds, 1000.0)
    return Spent(whole(prompt), whole(written), took)


def _duration(value: object, parts: float) -> float | None:
    try:
        found = float(str(value)) / parts
    except ValueError:
        return None
    return found if math.isfinite(found) and found >= 0 else None


def whole(value: object) -> int:
    """A count, which readers may leave as the text it is written as; 0 for what is none."""
    try:
        return max(0, int(float(str(value))))
    except (ValueError, OverflowError):
        return 0


def number(value: object, where: str, what: str) -> float:
    """A number, which readers may leave as the text it is written as. Raises InputError for what is none."""
    try:
        return float(str(value))
    except ValueError:
        raise InputError(f"{where}: {what} is {str(value)[:40]!r}, which is no number.") from None


def content(message: object) -> Any:
    """The text of a chat message: its content, or that of its parts of text, joined."""
    found = message.get("content") if isinstance(message, Mapping) else message
    if isinstance(found, Sequence) and not isinstance(found, str):
        texts = [part.get("text") for part in found if isinstance(part, Mapping)]
        return "".join(text for text in texts if isinstance(text, str))
    return found


def at(document: object, *keys: str | int) -> Any:
    """What stands under ``keys``, one within the other; None where something else is."""
    for key in keys:
        if isinstance(key, str):
            document = document.get(key) if isinstance(document, Mapping) else None
        else:
            document = document[key] if isinstance(document, list) and -len(document) <= key < len(document) else None
    return document


def text(value: object) -> str:
    """An answer as text: data as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
