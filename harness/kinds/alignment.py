"""Where in a text something stands that was written after it."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

Place = tuple[int, int]


def aligned(mentions: Sequence[str], text: str) -> list[Place | None]:
    """The place (start, end) in ``text`` of each of ``mentions``, in the order in which they were written: the first
    behind the place of the one before, else the first of all, that no other mention has taken a character of; None
    where there is none. A mention is looked for as it is written; where that is nowhere, by ``folded`` characters."""
    taken: list[Place] = []
    found: list[Place | None] = []
    after = 0
    for mention in mentions:
        places = occurrences(mention, text)
        free = [each for each in places if not any(each[0] < end and each[1] > start for start, end in taken)]
        place = next((each for each in free if each[0] >= after), next(iter(free), None))
        if place:
            taken.append(place)
            after = place[1]
        found.append(place)
    return found


def occurrences(mention: str, text: str) -> list[Place]:
    """The places of ``mention`` in ``text``, from left to right; by folded characters where it is not there as such."""
    if not mention.strip():
        return []
    exact = _all(mention, text)
    if exact:
        return [(start, start + len(mention)) for start in exact]
    form, origin = folded(text)
    wanted = folded(mention)[0].strip()
    places = []
    for start in _all(wanted, form) if wanted else ():
        first, last = origin[start], origin[start + len(wanted) - 1]
        # Within a character that folds to several, such as a ligature, nothing begins or ends.
        cut = (start and origin[start - 1] == first) or origin[start + len(wanted) : start + len(wanted) + 1] == [last]
        if not cut:
            places.append((first, _whole(text, last + 1)))
    return places


def folded(text: str) -> tuple[str, list[int]]:
    """``text`` as NFKC, case-folded, without marks that take no space of their own (zero-width characters, variation
    selectors), white space as single blanks; and of each of its characters the place in ``text`` that it comes from."""
    made: list[str] = []
    origin: list[int] = []
    for place, character in enumerate(text):
        if unicodedata.category(character) == "Cf" or "\ufe00" <= character <= "\ufe0f":
            continue
        form = unicodedata.normalize("NFKC", character).casefold()
        for each in form:
            blank = each.isspace()
            if not (blank and made and made[-1] == " "):
                made.append(" " if blank else each)
                origin.append(place)
    return "".join(made), origin


def _all(wanted: str, text: str) -> list[int]:
    """Where ``wanted`` begins in ``text``; those that overlap too."""
    found, place = [], text.find(wanted)
    while place >= 0:
        found.append(place)
        place = text.find(wanted, place + 1)
    return found


def _whole(text: str, end: int) -> int:
    """``end`` behind what belongs to the character before it: combining marks, variation selectors, joiners."""
    while end < len(text) and (unicodedata.combining(text[end]) or "\ufe00" <= text[end] <= "\ufe0f"):
        end += 1
    return end
