"""Regular expressions of strangers: compiled where none of them can search for ever."""

from __future__ import annotations

import re
from functools import lru_cache
from importlib import import_module
from typing import Any

# What Python's own compiler makes of a pattern; it has no public name.
codes, parser = (import_module(f"re.{name}") for name in ("_constants", "_parser"))

LONGEST = 1000  # characters of a pattern
_REPEATS = (codes.MAX_REPEAT, codes.MIN_REPEAT)


@lru_cache(maxsize=256)
def compiled(pattern: str) -> re.Pattern[str]:
    """``pattern``. Raises ValueError for one that is none, or whose search may take time that grows beyond measure with
    the text: a repeat within a repeat."""
    if len(pattern) > LONGEST:
        raise ValueError(f"a pattern of more than {LONGEST:,} characters")
    try:
        found = re.compile(pattern)
        tree = parser.parse(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"the pattern {pattern!r} is no regular expression: {error}") from None
    if _nested(tree, False):
        raise ValueError(f"the pattern {pattern!r} repeats what repeats, so a search may never end")
    return found


def _nested(tree: Any, within: bool) -> bool:
    """Whether a part that repeats without end has another within it."""
    for code, value in tree:
        endless = code in _REPEATS and value[1] == codes.MAXREPEAT
        if endless and within:
            return True
        if any(_nested(part, within or endless) for part in _parts(code, value)):
            return True
    return False


def _parts(code: Any, value: Any) -> list[Any]:
    """The patterns within one part of a pattern."""
    if code in _REPEATS or code == codes.POSSESSIVE_REPEAT:
        return [value[2]]
    if code == codes.SUBPATTERN:
        return [value[3]]
    if code == codes.BRANCH:
        return list(value[1])
    if code in (codes.ASSERT, codes.ASSERT_NOT):
        return [value[1]]
    if code == codes.GROUPREF_EXISTS:
        return [part for part in value[1:] if part is not None]
    return [value] if code == codes.ATOMIC_GROUP else []
