"""Agreement of two readers beyond chance. An item that one of them gives no answer to says nothing of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.kinds import Kind
from harness.metrics import Array, Metric, divide
from harness.types import Example, Prediction


class CohenKappa(Metric):
    """Cohen's kappa: the share of items labelled alike beyond that expected of two readers who use each label as often
    but independently (Cohen, 1960). NaN where both use one label only."""

    names = ("cohen-kappa",)
    ends = (-1.0, 1.0)

    def __init__(self, kind: Kind) -> None:
        self.labels = kind.outputs

    def distances(self) -> Array:
        """(L, L): how far labels are from one another."""
        return 1 - np.eye(len(self.labels))

    def statistics(self, examples: Sequence[Example], predictions: Sequence[Prediction]) -> Array:
        """(n, 1 + 2 L): the distance of the two labels, and each of them one-hot."""
        place = {label: i for i, label in enumerate(self.labels)}
        rows, far = np.zeros((len(examples), 1 + 2 * len(self.labels))), self.distances()
        for row, example, prediction in zip(rows, examples, predictions, strict=True):
            if prediction.output is not None:
                true, said = place[example.target], place[prediction.output]
                row[0] = far[true, said]
                row[1 + true] = row[1 + len(self.labels) + said] = 1
        return rows

    def score(self, totals: Array) -> Array:
        true, said = self._counts(totals)
        n = true.sum(-1)
        expected = divide(((true @ self.distances()) * said).sum(-1), n)
        return (1 - divide(totals[..., 0], expected))[..., None]

    def _counts(self, totals: Array) -> tuple[Array, Array]:
        width = len(self.labels)
        return totals[..., 1 : 1 + width], totals[..., 1 + width :]


class KrippendorffAlpha(CohenKappa):
    """Krippendorff's alpha of two readers: the disagreement seen over that expected of labels drawn from all that both
    gave (Krippendorff, 2011, "Computing Krippendorff's Alpha-Reliability"). Labels that are a scale are squared steps
    apart (the interval metric), others are alike or not (the nominal one). NaN where one label only is used."""

    names = ("krippendorff-alpha",)

    def __init__(self, kind: Kind) -> None:
        super().__init__(kind)
        self.scale = bool(getattr(kind, "order", False))

    def distances(self) -> Array:
        steps = np.arange(len(self.labels), dtype=float)
        return np.subtract.outer(steps, steps) ** 2 if self.scale else super().distances()

    def score(self, totals: Array) -> Array:
        true, said = self._counts(totals)
        each = true + said
        values = each.sum(-1)
        seen = divide(2 * totals[..., 0], values)
        expected = divide(((each @ self.distances()) * each).sum(-1), values * (values - 1))
        return (1 - divide(seen, expected))[..., None]
