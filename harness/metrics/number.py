"""Metrics of numbers."""

from __future__ import annotations

from typing import Any

from harness.metrics.classification import Accuracy
from harness.types import Example, Prediction


class NumberAccuracy(Accuracy):
    """Share of items whose number is right within the task's tolerance, and in the right unit."""

    name = "number-accuracy"


class ValueAccuracy(Accuracy):
    """Share of items whose number is right within the task's tolerance, whatever unit is said."""

    name = "value-accuracy"
    mean = False

    def __init__(self, kind: Any) -> None:
        """Of ``kind`` it asks ``near``: whether an answer's value is that of a target."""
        super().__init__(kind)
        self._near = kind.near

    def counts(self, example: Example, prediction: Prediction) -> float:
        return float(prediction.output is not None and self._near(example.target, prediction.output))
