"""Domain-context calibration: what the prompt answers to random words of the task's own inputs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np

from harness.calibration.invented import invented
from harness.calibration.offset import Offset
from harness.chance import rng
from harness.errors import InputError
from harness.types import Example

DRAWS = 20
LARGE = 1000  # inputs from which words are drawn: more tell nothing new
# Scripts that put no space between words: Thai, Lao, Burmese, Khmer; kana, Han and their punctuation.
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"
    "\u3001-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff01-\uff60\U00020000-\U0003ffff"
)
_WORD = re.compile(f"[{_UNSPACED}]|[^\\s{_UNSPACED}]+")
_SPACE_BETWEEN = re.compile(f"(?<=[{_UNSPACED}]) (?=[{_UNSPACED}])")


class Domain(Offset):
    """Divides by the labels' mean probability after 20 texts of random words, as long as the task's inputs are on
    average (Fei et al., 2023). Words are drawn as often as they occur, field by field; where a script has no spaces, a
    character is a word."""

    name = "domain"

    def asks(
        self, pool: Sequence[Example], sample: Sequence[Example], inputs: Sequence[str], seed: int
    ) -> Sequence[Example]:
        """Twenty, whose words come from the pool (from the sample where there is no pool): a function of the seed and
        of the inputs as a set."""
        source = sorted(pool or sample, key=lambda example: example.id)
        if not source:
            raise InputError(
                "calibration 'domain' draws words from inputs of the task, but there are none. Give the task a train "
                "split, or use another calibration: contextual and pmi need no data."
            )
        if len(source) > LARGE:
            source = [source[i] for i in np.sort(rng("domain", seed).choice(len(source), LARGE, replace=False))]
        words = {field: [_WORD.findall(example.inputs[field]) for example in source] for field in inputs}
        return [invented(self.name, draw, _drawn(words, seed, draw)) for draw in range(DRAWS)]


def _drawn(words: Mapping[str, Sequence[Sequence[str]]], seed: int, draw: int) -> Mapping[str, str]:
    """One text of random words for each field."""
    made = {}
    for field, texts in words.items():
        bag = [word for text in texts for word in text]
        length = max(1, round(len(bag) / len(texts)))
        places = rng("domain", seed, draw, field).integers(len(bag), size=length) if bag else ()
        made[field] = _SPACE_BETWEEN.sub("", " ".join(bag[place] for place in places))
    return made
