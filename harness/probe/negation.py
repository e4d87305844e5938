"""A negation that has nothing to do with the item."""

from __future__ import annotations

import re
from typing import ClassVar

import numpy as np

from harness.compare.finding import Finding
from harness.errors import InputError
from harness.probe import lexicon
from harness.probe.asked import Asked
from harness.probe.changed import Changed
from harness.probe.perturbed import Edits
from harness.probe.words import HAN, words, written_in

SHORTEST = {"en": 4, "zh": 6}  # words, or characters, of a text that takes a clause
_ENDED = re.compile(r"[.!?。！？…][\"'”’)）]*$")
_TABLE = re.compile(r"[|\t]")


class Negation(Changed):
    """A clause that holds a negation, and says nothing of the item, stands in front or behind: "a circle has no
    corners", 石头不会唱歌. Two of twelve hold a double one. Texts of several lines take it behind; tables, and texts of
    less than four words, take none. Whose answers retell the text cannot be asked so."""

    name: ClassVar[str] = "negation"
    source: ClassVar[str] = "Naik et al. 2018; Ribeiro et al. 2020"

    def look(self, asked: Asked) -> Finding:
        if asked.task.kind.retold:
            raise InputError(
                f"probe {self.name!r}: an answer to {asked.task.name!r} retells its text, so that a clause more makes "
                "another answer right. Leave it out."
            )
        return super().look(asked)

    def change(self, text: str, draw: np.random.Generator, language: str) -> Edits:
        own = written_in(text, language)
        front = draw.random() < 0.5
        if not own or _TABLE.search(text) or _length(text, own) < SHORTEST[own]:
            return []
        clauses = lexicon.read(own)["negations"]
        clause = clauses[int(draw.integers(len(clauses)))]
        kept = text.rstrip()
        start = len(text) - len(text.lstrip())
        if front and "\n" not in kept:
            return [(start, start, f"{_sentence(clause)}. " if own == "en" else f"{clause}。")]
        end = len(kept)
        if _ENDED.search(kept):
            return [(end, end, f" {_sentence(clause)}." if own == "en" else f"{clause}。")]
        return [(end, end, f", and {clause}" if own == "en" else f"，{clause}")]


def _length(text: str, own: str) -> int:
    return len(re.findall(HAN, text)) if own == "zh" else sum(1 for _ in words(text))


def _sentence(clause: str) -> str:
    return clause[0].upper() + clause[1:]
