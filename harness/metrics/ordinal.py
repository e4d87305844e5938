"""Metrics of labels that are a scale. An item without an answer counts as the label farthest from its own."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.kinds import Kind
from harness.metrics import Array, Metric, divide
from harness.types import Example, Prediction


def places(
    labels: tuple[str, ...], examples: Sequence[Example], predictions: Sequence[Prediction]
) -> tuple[list[int], list[int]]:
    """The items' places on the scale, true and answered, from 0 up."""
    place = {label: i for i, label in enumerate(labels)}
    true = [place[example.target] for example in examples]
    last = len(labels) - 1
    said = [
        place[p.output] if p.output is not None else 0 if 2 * t > last else last
        for t, p in zip(true, predictions, strict=True)
    ]
    return true, said


class MeanAbsoluteError(Metric):
    """Mean distance between answer and label, in steps of the scale. Lower is better."""

    losses = True
    names = ("mae",)

    def __init__(self, kind: Kind) -> None:
        self.labels = kind.outputs
        self.ends = (0.0, max(len(self.labels) - 1.0, 1.0))

    def statistics(self, examples: Sequence[Example], predictions: Sequence[Prediction]) -> Array:
        true, said = places(self.labels, examples, predictions)
        return np.stack([np.abs(np.subtract(true, said)).astype(float), np.ones(len(true))], axis=1)

    def score(self, totals: Array) -> Array:
        return divide(totals[..., :1], totals[..., 1:])

    def extremes(self, totals: Array) -> Array | None:
        return np.array([[0.0, 1.0], [len(self.labels) - 1.0, 1.0]])


class QuadraticKappa(Metric):
    """Quadratic weighted kappa: 1 minus the squared distances between answers and labels over those expected if the
    two were independent (Cohen, 1968). 0 by chance, NaN where labels and answers are all one."""

    names = ("qwk",)
    ends = (-1.0, 1.0)

    def __init__(self, kind: Kind) -> None:
        self.labels = kind.outputs

    def statistics(self, examples: Sequence[Example], predictions: Sequence[Prediction]) -> Array:
        """(n, 1 + 2 L): the squared distance, the true label and the answer one-hot."""
        true, said = places(self.labels, examples, predictions)
        one = np.eye(len(self.labels))
        gaps = np.subtract(true, said).astype(float) ** 2
        return np.concatenate([gaps[:, None], one[true], one[said]], axis=1)

    def score(self, totals: Array) -> Array:
        width = len(self.labels)
        true, said = totals[..., 1 : 1 + width], totals[..., 1 + width :]
        steps = np.arange(width)
        # Of two independent draws the mean squared distance is a sum of moments: no L x L matrix is needed.
        first, second = true @ steps, said @ steps
        squares, others = true @ steps**2, said @ steps**2
        n = true.sum(-1)
        expected = divide(squares * n + others * n - 2 * first * second, n)
        return (1 - divide(totals[..., 0], expected))[..., None]

    def extremes(self, totals: Array) -> Array | None:
        """The labels in the shares in which they occur, answered rightly, and by chance: the worst answer is far off
        what any sample shows, and intervals that allow for it cover too rarely."""
        width = len(self.labels)
        true = totals[1 : 1 + width]
        share = divide(true, true.sum(keepdims=True))
        steps = np.arange(width)
        chance = share @ np.subtract.outer(steps, steps) ** 2 @ share
        return np.stack([np.concatenate([[gap], share, share]) for gap in (0.0, chance)])
