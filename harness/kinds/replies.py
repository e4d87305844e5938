"""A written answer without what models wrap answers in."""

from __future__ import annotations

import json
import re
from typing import Any

DECODER = json.JSONDecoder()
TURN_END = re.compile(r"(?:</s>|<\|[^|<>]*\|>|<end_of_turn>)\s*$")
FENCE = re.compile(r"```[\w+-]*[ \t]*\n(.*?)\n?\s*```", re.DOTALL)
_NAMES = "answer|labels?|categories|category|events?|state|slots?|entities|mentions?|output|result|reply|response"
_NAMES += "|答案|回答|标签|类别"
_CUE = re.compile(
    rf"[\s*_#>]*(?:(?:the|my|final)\s+)?(?:{_NAMES})(?:\s+(?:is|are))?[\s*_]*[:：=][\s*_]*(?=\S)", re.IGNORECASE
)


def unwrapped(text: str) -> str:
    """``text`` without the sign that ends a turn, a code fence around all of it, and a cue such as ``Answer:`` that is
    said again before it."""
    said = text.strip()
    if ended := TURN_END.search(said):
        said = said[: ended.start()].rstrip()
    if cue := _CUE.match(said):
        said = said[cue.end() :]
    if fenced := FENCE.fullmatch(said):
        said = fenced[1].strip()
    return said


def array(text: str) -> tuple[list[Any] | None, bool]:
    """The JSON list in ``text``, and whether it is all of it. Of a list that breaks off, the parts that are whole; None
    where there is no list."""
    return _value(text, "[", list)


def mapping(text: str) -> tuple[dict[str, Any] | None, bool]:
    """The JSON object in ``text``, and whether it is all of it. None where there is none, or where it breaks off."""
    return _value(text, "{", dict)


def _value(text: str, opening: str, wanted: type) -> tuple[Any, bool]:
    said = text.strip()
    start = said.find(opening)
    while start >= 0:
        try:
            found, end = DECODER.raw_decode(said, start)
        except (ValueError, RecursionError):
            if wanted is list and start == said.find(opening) and (parts := _parts(said, start + 1)):
                return parts, False
        else:
            if isinstance(found, wanted):
                return found, start == 0 and not said[end:].strip(" .。\n")
        start = said.find(opening, start + 1)
    return None, False


def _parts(text: str, place: int) -> list[Any]:
    """The whole values of a list whose first would begin at ``place``, as far as they go."""
    found: list[Any] = []
    while True:
        place += len(text[place:]) - len(text[place:].lstrip(" \t\r\n,"))
        try:
            value, place = DECODER.raw_decode(text, place)
        except (ValueError, RecursionError):
            return found
        found.append(value)
