"""The same characters, as other programs write them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import ClassVar

import numpy as np

from harness.probe.changed import Changed
from harness.probe.perturbed import Edits
from harness.probe.words import some

SHARE = 0.2  # of the blanks, and of the words that become full-width
WIDE = 0xFEE0  # from an ASCII character to its full-width form
_BLANK = re.compile(r"(?<=\S) (?=\S)")
_ASCII_WORD = re.compile(r"[A-Za-z0-9]+(?:\.[0-9]+)?%?")
_WIDE = re.compile("[\uff01-\uff5e]")
_CURLY = {"‘": "'", "’": "'", "“": '"', "”": '"', "–": "-", "—": "-", "…": "...", "−": "-"}
_TYPED = re.compile(r"""(?P<dash>(?<= )--?(?= ))|(?P<range>(?<=\d)-(?=\d))|(?P<dots>\.\.\.)|(?P<quote>['"])""")
_HALF = {"，": ",", "；": ";", "：": ":", "？": "?", "！": "!", "（": "(", "）": ")"}
_MARKS = re.compile(r"\w[\u0300-\u036f]+")


class Unicode(Changed):
    """The same text in other characters, a way an item, drawn by its id: typographic quotes, dashes and dots for typed
    ones and back, no-break spaces for blanks, full-width letters, digits and marks for half-width ones and back,
    composed letters for decomposed ones and back. Nothing looks much different."""

    name: ClassVar[str] = "unicode"
    source: ClassVar[str] = "Boucher et al. 2022"

    def change(self, text: str, draw: np.random.Generator, language: str) -> Edits:
        ways: list[Callable[[str, np.random.Generator], Edits]] = [_typography, _no_break, _width, _composition]
        tried = (ways[place](text, draw) for place in draw.permutation(len(ways)))
        return next(filter(None, tried), [])


def _typography(text: str, draw: np.random.Generator) -> Edits:
    """Typographic characters where typed ones stand; where there are none, the other way."""
    found = [(each.start(), each.end(), _typeset(each, text)) for each in _TYPED.finditer(text)]
    return found or [(place, place + 1, _CURLY[own]) for place, own in enumerate(text) if own in _CURLY]


def _typeset(found: re.Match[str], text: str) -> str:
    if found["dash"] or found["range"]:
        return "–"
    if found["dots"]:
        return "…"
    before = text[found.start() - 1] if found.start() else " "
    opens = before.isspace() or before in "([{“‘\"'"
    if found[0] == '"':
        return "“" if opens else "”"
    return "‘" if opens else "’"


def _no_break(text: str, draw: np.random.Generator) -> Edits:
    """One blank in five, and one at least."""
    return some([(each.start(), each.end(), "\u00a0") for each in _BLANK.finditer(text)], SHARE, draw)


def _width(text: str, draw: np.random.Generator) -> Edits:
    """Marks between Chinese, full-width characters, else one word in five, in the other width."""
    marks = [(p, p + 1, _HALF[own]) for p, own in enumerate(text) if own in _HALF]
    if marks:
        return marks
    wide = [(each.start(), each.end(), chr(ord(each[0]) - WIDE)) for each in _WIDE.finditer(text)]
    if wide:
        return wide
    found = [(each.start(), each.end(), _widened(each[0])) for each in _ASCII_WORD.finditer(text)]
    return some(found, SHARE, draw)


def _widened(text: str) -> str:
    return "".join(chr(ord(own) + WIDE) for own in text)


def _composition(text: str, draw: np.random.Generator) -> Edits:
    """Letters with their marks apart; where they are, with them together."""
    apart = [(p, p + 1, unicodedata.normalize("NFD", own)) for p, own in enumerate(text) if _decomposes(own)]
    if apart:
        return apart
    made = ((each.start(), each.end(), unicodedata.normalize("NFC", each[0])) for each in _MARKS.finditer(text))
    return [edit for edit in made if len(edit[2]) < edit[1] - edit[0]]


def _decomposes(own: str) -> bool:
    """Whether it is a letter with marks; a syllable of Hangul is none."""
    parts = unicodedata.normalize("NFD", own)
    return len(parts) > 1 and all(map(unicodedata.combining, parts[1:]))
