"""The same said in other words."""

from __future__ import annotations

import re
from functools import cache
from typing import ClassVar

import numpy as np

from harness.probe import lexicon
from harness.probe.changed import Changed
from harness.probe.lexicon import Exchange
from harness.probe.perturbed import Edits
from harness.probe.words import some, written_in

SHARE = 0.5  # of the synonyms, and one at least; of the contractions all
_PRONOUN = re.compile(r"\s+(?:i|you|he|she|it|we|they|there|this|that|these|those)\b", re.IGNORECASE)
_OPENING = re.compile(r"(?:^|[.!?:\n])[\s\"“'‘(]*$")
_ARTICLE = re.compile(r"\ban?\s+$", re.IGNORECASE)


class Paraphrase(Changed):
    """Contractions are written out or made, and one word in two for which our lists have another is that other: said
    and stated, because and since, 因为 and 由于. The lists hold words that keep their meaning nearly anywhere, and
    phrases in which they do not. Sentences stay in their order."""

    name: ClassVar[str] = "paraphrase"
    source: ClassVar[str] = "Ribeiro et al. 2020"

    def change(self, text: str, draw: np.random.Generator, language: str) -> Edits:
        own = written_in(text, language)
        if not own:
            return []
        synonyms = some(synonyms_of(text, own), SHARE, draw)
        made = list(_contractions(text)) if own == "en" else []
        taken = [edit[:2] for edit in made]
        free = [edit for edit in synonyms if not any(edit[0] < end and start < edit[1] for start, end in taken)]
        return sorted([*made, *free])


def synonyms_of(text: str, own: str) -> Edits:
    """The edits that put another word of our lists for each that has one; ``own`` is the text's language."""
    found = list(_synonyms(own).find(text))
    if own != "en":
        return found
    # An article may not go with the other word, and a capital within a sentence is of a name.
    return [edit for edit in found if not _ARTICLE.search(text[: edit[0]]) and not _of_a_name(text, *edit[:2])]


def _of_a_name(text: str, start: int, end: int) -> bool:
    return text[start:end].istitle() and not _OPENING.search(text[:start])


@cache
def _synonyms(own: str) -> Exchange:
    lists = lexicon.read(own)
    return Exchange(lists["synonyms"], lists["unless"], own == "en")


@cache
def _short_and_long() -> Exchange:
    made: dict[str, str] = {}
    for long, short in lexicon.read("en")["contractions"].items():
        made |= {long: short, short: long}
    return Exchange(made)


def _contractions(text: str) -> Edits:
    """Those that can be: a verb before its subject keeps its form, and one that ends a clause is not made short."""
    found = []
    for start, end, said in _short_and_long().find(text):
        made_short = "'" in said
        behind = text[end : end + 12]
        inverted = _PRONOUN.match(behind) and text[start:end].lower() not in ("don't", "do not")
        if not inverted and (not made_short or re.match(r" [^\W\d_]", behind)):
            found.append((start, end, said))
    return found
