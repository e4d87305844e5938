"""Metrics of items that have several labels at once. An item without an answer counts as one that no label was said of
in subset accuracy (wrong), and as one of which every label was said wrongly in the Hamming loss."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.kinds import Kind
from harness.metrics import Array, Metric, divide
from harness.metrics.classification import Accuracy, margins
from harness.types import Example, Prediction


class SubsetAccuracy(Accuracy):
    """Share of items of which exactly the right labels were said."""

    name = "subset-accuracy"


class HammingLoss(Metric):
    """Share of all decisions on a label of an item that are wrong (Schapire and Singer, 1999). Lower is better."""

    losses = True
    names = ("hamming",)

    def __init__(self, kind: Kind) -> None:
        self.kind = kind

    def statistics(self, examples: Sequence[Example], predictions: Sequence[Prediction]) -> Array:
        """(n, 2): wrong decisions, decisions."""
        width = len(self.kind.members)
        rows = margins(self.kind, examples, predictions).reshape(len(examples), 3, width)
        wrong = (rows[:, 1] + rows[:, 2] - 2 * rows[:, 0]).sum(1)
        wrong[[prediction.output is None for prediction in predictions]] = width
        return np.stack([wrong, np.full(len(examples), float(width))], axis=1)

    def score(self, totals: Array) -> Array:
        return divide(totals[..., :1], totals[..., 1:])

    def extremes(self, totals: Array) -> Array | None:
        width = float(len(self.kind.members))
        return np.array([[0.0, width], [width, width]])
