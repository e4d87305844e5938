"""Whether stated probabilities can be believed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.kinds import Kind
from harness.metrics import Array, Metric, divide
from harness.types import Example, Prediction

BINS = 15


class ExpectedCalibrationError(Metric):
    """Mean gap between confidence and accuracy over 15 equal-width bins, weighted by their items (Guo et al., 2017).
    Items without probabilities are left out; NaN where none has any. Biased upwards on few items: about
    sqrt(bins / n) even for a calibrated predictor."""

    losses = True

    def __init__(self, kind: Kind) -> None:
        self.names = ("ece",)

    def statistics(self, examples: Sequence[Example], predictions: Sequence[Prediction]) -> Array:
        rows = np.zeros((len(examples), BINS, 3))  # items, confidence, hits
        for i, (example, prediction) in enumerate(zip(examples, predictions, strict=True)):
            if prediction.label_logprobs is not None and np.isfinite(top := max(prediction.label_logprobs)):
                confidence = float(np.exp(top))
                place = min(int(confidence * BINS), BINS - 1)
                rows[i, place] = 1, confidence, prediction.output == example.target
        return rows.reshape(len(examples), BINS * 3)

    def score(self, totals: Array) -> Array:
        items, confidence, hits = np.moveaxis(totals.reshape(*totals.shape[:-1], BINS, 3), -1, 0)
        return divide(np.abs(confidence - hits).sum(-1), items.sum(-1))[..., None]


class Brier(Metric):
    """Mean squared distance between the stated probabilities and the truth, summed over the labels (Brier, 1950): 0 is
    perfect, 2 the worst, 1 - 1 / L what a uniform answer gets. Unlike ``ece`` it has no bins, and sees sharpness too.
    Items without probabilities are left out; NaN where none has any. For two labels it is twice what is often called
    so."""

    losses = True
    ends = (0.0, 2.0)

    def __init__(self, kind: Kind) -> None:
        self.labels, self.names = kind.outputs, ("brier",)

    def statistics(self, examples: Sequence[Example], predictions: Sequence[Prediction]) -> Array:
        rows = np.zeros((len(examples), 2))  # squared distance, items
        for i, (example, prediction) in enumerate(zip(examples, predictions, strict=True)):
            if prediction.label_logprobs is not None:
                distance = np.exp(prediction.label_logprobs)
                distance[self.labels.index(example.target)] -= 1
                rows[i] = distance @ distance, 1
        return rows

    def score(self, totals: Array) -> Array:
        return divide(totals[..., :1], totals[..., 1:])
