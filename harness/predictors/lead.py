"""The beginning of the text."""

from __future__ import annotations

import math

from harness.kinds import Kind
from harness.predictors.linear import within
from harness.predictors.sentences import sentences
from harness.predictors.simple import Simple
from harness.types import Example, Signature


class Lead(Simple):
    """The first ``sentences`` of the text: lead-3, where it is not said otherwise."""

    name = "lead"

    def __init__(self, kind: Kind, sentences: int = 3, seed: int = 0) -> None:
        within(self.name, 1, math.inf, sentences=sentences)
        super().__init__(kind, seed)
        self.sentences = sentences

    @property
    def signature(self) -> Signature:
        return Signature.of(predictor=self.name, sentences=self.sentences)

    def answer(self, example: Example) -> str | None:
        text = self.kind.passage(example)
        glue = "" if text and not text.isascii() and " " not in text else " "
        return glue.join(said for _, said in sentences(text)[: self.sentences]) or None

    def __repr__(self) -> str:
        return f"Lead(kind={self.kind!r}, sentences={self.sentences!r}, seed={self.seed!r})"
