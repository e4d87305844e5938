"""Misspelt words."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from harness.probe.changed import Changed
from harness.probe.perturbed import Edits
from harness.probe.words import is_han, some, words, written_in

SHARE = 0.1  # of the words, and one at least
SHORTEST = 4  # letters of a word that is misspelt
ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
# Characters that one keyboard input gives for another, each way.
SOUND = (
    "的地得",
    "在再",
    "做作",
    "他她它",
    "以已",
    "像象",
    "那哪",
    "坐座",
    "帐账",
    "份分",
    "部步",
    "元员",
    "利力",
    "期其",
    "公工",
)


def _beside() -> dict[str, str]:
    """The letters beside each on a keyboard: in its row, and in the next ones."""
    places = {letter: (x + 0.4 * y, y) for y, row in enumerate(ROWS) for x, letter in enumerate(row)}
    return {
        letter: "".join(
            sorted(b for b, (x, y) in places.items() if b != letter and abs(x - x0) <= 1 and abs(y - y0) <= 1)
        )
        for letter, (x0, y0) in places.items()
    }


BESIDE = _beside()
HEARD = {own: "".join(other for other in group if other != own) for group in SOUND for own in group}


class Typos(Changed):
    """One word in ten, and one at least, is misspelt: two letters in the wrong order, one left out, one twice, or the
    key beside. First and last letters and short words stay. In a Chinese text characters become such that sound alike,
    or two neighbours change places. After Pruthi, Dhingra and Lipton (2019)."""

    name: ClassVar[str] = "typos"
    source: ClassVar[str] = "Pruthi et al. 2019; Ribeiro et al. 2020"

    def change(self, text: str, draw: np.random.Generator, language: str) -> Edits:
        if written_in(text, language) == "zh" and (edits := _chinese(text, draw)):
            return edits
        found = [each for each in words(text, SHORTEST) if not is_han(each[0]) and _places(each[0])]
        return [_misspelt(each.start(), each[0], draw) for each in some(found, SHARE, draw)] if found else []


def misspelt(word: str, draw: np.random.Generator) -> str | None:
    """``word`` with one slip inside; None where it is too short for one."""
    if is_han(word) or len(word) < SHORTEST or not _places(word):
        return None
    start, end, said = _misspelt(0, word, draw)
    return word[:start] + said + word[end:]


def _places(word: str) -> list[int]:
    """The places of letters that can slip: neither the first nor one of the last two, and no mark beside."""
    return [place for place in range(1, len(word) - 2) if word[place : place + 2].isalpha()]


def _misspelt(start: int, word: str, draw: np.random.Generator) -> tuple[int, int, str]:
    """One slip inside ``word``, which changes it."""
    places = _places(word)
    place = places[int(draw.integers(len(places)))]
    one, two = word[place], word[place + 1]
    slips = [two, one * 2 + two]
    if near := BESIDE.get(one.lower()):  # a letter of this keyboard
        beside = near[int(draw.integers(len(near)))]
        slips.append((beside.upper() if one.isupper() else beside) + two)
    if one != two:
        slips.append(two + one)
    return start + place, start + place + 2, slips[int(draw.integers(len(slips)))]


def _chinese(text: str, draw: np.random.Generator) -> Edits:
    """Characters that sound alike; where there are none, two neighbours that change places."""
    heard = [place for place, own in enumerate(text) if own in HEARD]
    if heard:
        return [(p, p + 1, HEARD[text[p]][int(draw.integers(len(HEARD[text[p]])))]) for p in some(heard, SHARE, draw)]
    pairs = [p for p in range(len(text) - 1) if is_han(text[p]) and is_han(text[p + 1]) and text[p] != text[p + 1]]
    if not pairs:
        return []
    place = pairs[int(draw.integers(len(pairs)))]
    return [(place, place + 2, text[place + 1] + text[place])]
