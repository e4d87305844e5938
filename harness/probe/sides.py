"""Which words stand for people of which side, and what stands for them on the other."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from harness.probe import lexicon
from harness.probe.lexicon import Exchange, cased
from harness.probe.words import written_in

GENDER = "gender"
_PRONOUN = re.compile(r"(?<![\w'’-])(?ai:her|hers|him|his)(?![\w-]|['’]\w)")
_ARTICLE = re.compile(r"\b((?ai:an?)) $")
_NEXT = re.compile(r"\s+([^\W\d_]+)")


class Found(NamedTuple):
    """A word that has a counterpart: the edit that puts that in its place, what divides its side from the other, and
    which of the two it is of, 0 or 1."""

    start: int
    end: int
    said: str
    axis: str
    side: int


@dataclass(frozen=True)
class Axis:
    """The words of two sides. ``exchanges`` are tables of them, each with the side that a word is of."""

    name: str
    exchanges: tuple[tuple[Exchange, Mapping[str, int]], ...]

    def find(self, text: str) -> Iterator[Found]:
        for exchange, sides in self.exchanges:
            for start, end, said in exchange.find(text):
                yield Found(start, end, said, self.name, sides[text[start:end].lower()])


def names(axis: str) -> tuple[str, str]:
    """What the two sides of ``axis`` are called."""
    lists = (lexicon.read(language)["swap"] for language in lexicon.LANGUAGES)
    first, second = next(found[axis]["sides"] for found in lists if axis in found)
    return first, second


def find(text: str, language: str) -> list[Found]:
    """The words of ``text`` that have a counterpart, in order and apart; the longest where several fit."""
    own = written_in(text, language)
    if not own:
        return []
    found = [each for axis in _axes(own) for each in axis.find(text)]
    if own == "en":
        found += _pronouns(text)
    kept: list[Found] = []
    for each in sorted(found, key=lambda each: (each.start - each.end, each.start)):
        if all(each.end <= other.start or other.end <= each.start for other in kept):
            kept.append(each)
    return sorted(_with_article(text, each) for each in kept)


def _with_article(text: str, found: Found) -> Found:
    """``found`` with the article before it, where the counterpart takes the other one."""
    article = _ARTICLE.search(text[: found.start])
    if not article:
        return found
    said = "an" if found.said[0].lower() in "aeio" or found.said.lower().startswith("uncle") else "a"
    if said == article[1].lower():
        return found
    return found._replace(start=article.start(1), said=f"{cased(said, article[1])} {found.said}")


@cache
def _axes(own: str) -> tuple[Axis, ...]:
    made = []
    for name, lists in lexicon.read(own)["swap"].items():
        exchanges = [_exchange(lists["pairs"], own == "en", lists.get("unless", ()))]
        if given := lists.get("names"):
            surnames = lexicon.read(own).get("surnames", "")
            if own == "zh":  # two characters are a name behind a family name
                given = {f"{family}{one}": f"{family}{two}" for one, two in given.items() for family in surnames}
            exchanges.append(_exchange(given, own == "en", (), exact=True))
        made.append(Axis(name, tuple(exchanges)))
    return tuple(made)


def _exchange(
    pairs: Mapping[str, str], spaced: bool, unless: Sequence[str], exact: bool = False
) -> tuple[Exchange, Mapping[str, int]]:
    """Both ways. Of two words with one counterpart the first is what that becomes."""
    back: dict[str, str] = {}
    for one, two in pairs.items():
        back.setdefault(two, one)
    sides = {two.lower(): 1 for two in back} | {one.lower(): 0 for one in pairs}
    return Exchange({**back, **pairs}, unless, spaced, exact), sides


def _pronouns(text: str) -> Iterator[Found]:
    """``her`` is a possessive where a word follows that can begin what is owned, else the object; ``his`` stands by
    itself where none does."""
    ends = lexicon.read("en")["behind_objects"].split()
    for found in _PRONOUN.finditer(text):
        own = found[0].lower()
        following = _NEXT.match(text, found.end())
        owns = following is not None and following[1].lower() not in ends
        said = {"her": "his" if owns else "him", "hers": "his", "him": "her", "his": "her" if owns else "hers"}[own]
        yield Found(found.start(), found.end(), cased(said, found[0]), GENDER, int(own in ("him", "his")))
