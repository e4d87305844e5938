"""Metrics of answers within a passage, by SQuAD's official rule. An item without an answer counts 0: to say nothing is
not to say that there is no answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from harness.metrics import Array, Metric, divide
from harness.metrics.classification import Accuracy
from harness.types import Example, Prediction

NO_ANSWER = "[]"


class ExactMatch(Accuracy):
    """Share of items whose answer is that of a reference, after lower case and without punctuation, articles and extra
    space (Rajpurkar et al., 2016); where there is no answer, none has to be said (SQuAD 2.0)."""

    name = "exact-match"


class Overlapping(Protocol):
    """A kind whose answers may overlap with a right one: ``overlap`` says by how much, from 0 to 1."""

    def overlap(self, target: str, output: str | None) -> float: ...


class SpanF1(Metric):
    """Mean over the items of F1 over the tokens of answer and best reference (Rajpurkar et al., 2016)."""

    names: tuple[str, ...] = ("span-f1",)

    def __init__(self, kind: Overlapping) -> None:
        self.kind = kind

    def counted(self, example: Example) -> bool:
        """Whether the item is one of those that the score is a mean of."""
        return True

    def statistics(self, examples: Sequence[Example], predictions: Sequence[Prediction]) -> Array:
        """(n, 2): the item's F1, and 1; zeros for an item that does not count."""
        counts = np.array([self.counted(example) for example in examples], float)
        found = [self.kind.overlap(e.target, p.output) for e, p in zip(examples, predictions, strict=True)]
        return np.stack([np.asarray(found, float) * counts, counts], axis=1)

    def score(self, totals: Array) -> Array:
        return divide(totals[..., :1], totals[..., 1:])

    def extremes(self, totals: Array) -> Array | None:
        return np.array([[1.0, 1.0], [0.0, 1.0]])


class AnswerableF1(SpanF1):
    """``span-f1`` of the items that have an answer ("HasAns" of SQuAD 2.0)."""

    names = ("answer-f1",)

    def counted(self, example: Example) -> bool:
        return example.target != NO_ANSWER


class NoAnswerAccuracy(SpanF1):
    """Share of the items that have no answer of which none is said ("NoAns" of SQuAD 2.0)."""

    names = ("no-answer-accuracy",)

    def counted(self, example: Example) -> bool:
        return example.target == NO_ANSWER
