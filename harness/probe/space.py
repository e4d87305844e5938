"""White space where it says nothing."""

from __future__ import annotations

import re
from typing import ClassVar

import numpy as np

from harness.probe.changed import Changed
from harness.probe.perturbed import Edits
from harness.probe.words import HAN

_BLANK = re.compile(r"(?<=\S) (?=\S)")
_BEFORE = re.compile(r"(?<=\w)(?=[,.;:!?](?:\s|$))")
# Between Chinese and other writing, where some put a blank and others none, and behind Chinese punctuation.
_BESIDE = re.compile(rf"(?<={HAN})(?=[A-Za-z0-9])|(?<=[A-Za-z0-9])(?={HAN})|(?<=[，。；：！？])(?=\S)")
SHARE = 0.2


class Space(Changed):
    """Blanks are doubled, put before punctuation and behind the end. In Chinese they are put beside other writing and
    behind punctuation. One place in five, and the end always."""

    name: ClassVar[str] = "space"
    source: ClassVar[str] = "Ribeiro et al. 2020"

    def change(self, text: str, draw: np.random.Generator, language: str) -> Edits:
        if not text.strip():
            return []
        places = sorted({each.start() for pattern in (_BLANK, _BEFORE, _BESIDE) for each in pattern.finditer(text)})
        chosen = [place for place in places if draw.random() < SHARE]
        return [*((place, place, " ") for place in chosen if place < len(text)), (len(text), len(text), "  ")]
