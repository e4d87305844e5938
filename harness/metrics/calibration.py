"""Whether stated probabilities can be believed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.metrics import Array, divide
from harness.types import Example, Prediction

BINS = 15


class ExpectedCalibrationError:
    """Mean gap between confidence and accuracy over 15 equal-width bins, weighted by their items (Guo et al., 2017).
    Items without probabilities are left out; NaN where none has any. Biased upwards on few items: about
    sqrt(bins / n) even for a calibrated predictor."""

    proportion = False

    def __init__(self, labels: tuple[str, ...]) -> None:
        self.labels, self.names = labels, ("ece",)

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

    def extremes(self, totals: Array) -> Array | None:
        return None
