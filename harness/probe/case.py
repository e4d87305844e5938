"""Letters in another case."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from harness.probe.changed import Changed
from harness.probe.perturbed import Edits
from harness.probe.words import words


class Case(Changed):
    """Every word is in lower case, in capitals, or begins with one: a way an item, drawn by its id."""

    name: ClassVar[str] = "case"
    source: ClassVar[str] = "Ribeiro et al. 2020"

    def change(self, text: str, draw: np.random.Generator, language: str) -> Edits:
        ways = [str.lower, str.upper, str.capitalize]
        for place in draw.permutation(len(ways)):
            edits = [(w.start(), w.end(), ways[place](w[0])) for w in words(text)]
            if found := [edit for edit in edits if text[edit[0] : edit[1]] != edit[2]]:
                return found
        return []
