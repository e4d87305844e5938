"""Metrics of dialogue states. An item without an answer has no value of any slot."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np

from harness.kinds import Kind
from harness.metrics import Array, Metric, divide
from harness.metrics.classification import Accuracy
from harness.tokens import fold
from harness.types import Example, Prediction


class JointGoalAccuracy(Accuracy):
    """Share of turns after which every slot is right, and none has a value that should have none (Henderson et al.,
    2014). Values are compared after NFKC, in lower case, with white space as single blanks."""

    name = "joint-goal-accuracy"


class SlotF1(Metric):
    """F1 over pairs of slot and value, of all turns together."""

    names = ("slot-f1",)

    def __init__(self, kind: Kind) -> None:
        self.kind = kind

    def statistics(self, examples: Sequence[Example], predictions: Sequence[Prediction]) -> Array:
        """(n, 3): pairs that are right, right ones there are, those that are said."""
        rows = []
        for example, prediction in zip(examples, predictions, strict=True):
            gold, said = json.loads(example.target), json.loads(prediction.output or "{}")
            hits = sum(slot in gold and _agrees(value, gold[slot]) for slot, value in said.items())
            rows.append((hits, len(gold), len(said)))
        return np.array(rows, float).reshape(len(rows), 3)

    def score(self, totals: Array) -> Array:
        return divide(2 * totals[..., :1], totals[..., 1:2] + totals[..., 2:])

    def extremes(self, totals: Array) -> Array | None:
        return np.array([[1.0, 1.0, 1.0], [0.0, 1.0, 1.0]])


def _agrees(said: str, gold: str | Sequence[str]) -> bool:
    return fold(said) in ({fold(gold)} if isinstance(gold, str) else set(map(fold, gold)))
