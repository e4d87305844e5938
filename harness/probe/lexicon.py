"""Our lists of words that probes exchange, a file a language."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parent / "lexicons"
LANGUAGES = ("en", "zh")
NONE = re.compile(r"(?!)")  # matches nothing


@cache
def read(language: str) -> Mapping[str, Any]:
    """The lists of ``language``, one of ``LANGUAGES``."""
    found: Mapping[str, Any] = yaml.safe_load((FOLDER / f"{language}.yaml").read_text(encoding="utf-8"))
    return found


class Exchange:
    """What stands for each word of ``table``: whole words in a language with blanks, and in the case that they have;
    the longest where several fit, and nothing within the phrases ``unless``. ``exact`` words have to be in the case
    that the table has them in."""

    def __init__(
        self, table: Mapping[str, str], unless: Sequence[str] = (), spaced: bool = True, exact: bool = False
    ) -> None:
        self._exact = exact
        self._table = table if exact else {key.lower(): value for key, value in table.items()}
        self._words = _pattern(list(table), spaced, exact)
        self._unless = _pattern(unless, spaced, False)

    def find(self, text: str) -> Iterator[tuple[int, int, str]]:
        """The edits that exchange each, in order and apart."""
        barred = [found.span() for found in self._unless.finditer(text)]
        for found in self._words.finditer(text):
            start, end = found.span()
            if not any(one < end and start < other for one, other in barred):
                own = plain(found[0]) if self._exact else plain(found[0]).lower()
                yield start, end, cased(self._table[own], found[0])


def plain(text: str) -> str:
    """With the apostrophe of typewriters."""
    return text.replace("’", "'")


def cased(word: str, like: str) -> str:
    """``word`` in capitals, or with one in front, as ``like`` has it."""
    if len(like) > 1 and like.isupper():
        return word.upper()
    return word[:1].upper() + word[1:] if like[:1].isupper() else word


def _pattern(words: Sequence[str], spaced: bool, exact: bool) -> re.Pattern[str]:
    if not words:
        return NONE
    longest = sorted(words, key=len, reverse=True)
    either = "|".join(re.escape(word).replace("'", "['’]").replace(r"\ ", " ") for word in longest)
    either = f"(?:{either})" if exact else f"(?ai:{either})"  # of ASCII's letters alone: others have odd small forms
    return re.compile(rf"(?<![\w'’-]){either}(?![\w-]|['’](?!s\b))" if spaced else either)
