"""Metrics: per-item sufficient statistics plus a score of their totals. One line each; imported on use."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from harness.errors import unknown
from harness.kinds import Kind
from harness.types import Example, Prediction

Array = npt.NDArray[np.float64]

METRICS = {
    "accuracy": "classification:Accuracy",
    "macro-f1": "classification:MacroF1",
    "class-f1": "classification:ClassF1",
    "micro-f1": "classification:MicroF1",
    "mcc": "classification:Mcc",
    "qwk": "ordinal:QuadraticKappa",
    "mae": "ordinal:MeanAbsoluteError",
    "lenient-accuracy": "classification:LenientAccuracy",
    "parse-failure-rate": "classification:ParseFailureRate",
    "ece": "calibration:ExpectedCalibrationError",
    "brier": "calibration:Brier",
}


class Metric(Protocol):
    """``statistics``: (n_items, d) sums that add up over items; ``score``: (..., d) totals to (..., k) values, one for
    each of ``names``. ``proportion`` says that a score is a share of items, the first column over their number;
    ``losses`` that lower is better.
    ``extremes``: (2, d) rows of an average item answered well and of one answered badly, given the totals; None where
    items are not simply right or wrong. Intervals need them where errors are rare."""

    names: tuple[str, ...]
    proportion: bool
    losses: bool

    def statistics(self, examples: Sequence[Example], predictions: Sequence[Prediction]) -> Array: ...
    def score(self, totals: Array) -> Array: ...
    def extremes(self, totals: Array) -> Array | None: ...


def create(name: str, kind: Kind) -> Metric:
    """The metric ``name`` for a kind of answers."""
    if name not in METRICS:
        raise unknown("metric", name, METRICS)
    module, _, cls = METRICS[name].partition(":")
    made: Metric = getattr(importlib.import_module(f"harness.metrics.{module}"), cls)(kind)
    return made


def divide(top: Array, bottom: Array) -> Array:
    """top / bottom, NaN where the bottom is 0: unknown is not zero."""
    out: Array = np.full(np.broadcast(top, bottom).shape, np.nan)
    np.divide(top, bottom, out=out, where=bottom != 0)
    return out
