"""Metrics: per-item sufficient statistics plus a score of their totals. One line each; imported on use."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from harness.kinds import Kind
from harness.plugins import Table
from harness.types import Example, Prediction

Array = npt.NDArray[np.float64]

METRICS = Table(
    "metric",
    "harness.metrics",
    "harness.metrics",
    {
        "accuracy": "classification:Accuracy",
        "macro-f1": "classification:MacroF1",
        "class-f1": "classification:ClassF1",
        "micro-f1": "classification:MicroF1",
        "mcc": "classification:Mcc",
        "qwk": "ordinal:QuadraticKappa",
        "mae": "ordinal:MeanAbsoluteError",
        "cohen-kappa": "agreement:CohenKappa",
        "krippendorff-alpha": "agreement:KrippendorffAlpha",
        "item-score": "classification:ItemScore",
        "lenient-accuracy": "classification:LenientAccuracy",
        "parse-failure-rate": "classification:ParseFailureRate",
        "ece": "calibration:ExpectedCalibrationError",
        "brier": "calibration:Brier",
        "subset-accuracy": "multilabel:SubsetAccuracy",
        "hamming": "multilabel:HammingLoss",
        "entity-f1": "entities:EntityF1",
        "entity-macro-f1": "entities:EntityMacroF1",
        "type-f1": "entities:TypeF1",
        "partial-f1": "entities:PartialF1",
        "exact-match": "span:ExactMatch",
        "span-f1": "span:SpanF1",
        "answer-f1": "span:AnswerableF1",
        "no-answer-accuracy": "span:NoAnswerAccuracy",
        "number-accuracy": "number:NumberAccuracy",
        "value-accuracy": "number:ValueAccuracy",
        "bleu": "bleu:Bleu",
        "chrf": "chrf:Chrf",
        "ter": "ter:Ter",
        "rouge1": "rouge:Rouge1",
        "rouge2": "rouge:Rouge2",
        "rougeL": "rouge:RougeL",
        "length-ratio": "length:LengthRatio",
        "joint-goal-accuracy": "state:JointGoalAccuracy",
        "slot-f1": "state:SlotF1",
    },
)


class Metric(Protocol):
    """``statistics``: (n_items, d) sums that add up over items; ``score``: (..., d) totals to (..., k) values, one for
    each of ``names``. ``proportion`` says that a score is a share of items, the first column over their number;
    ``mean`` that it is the mean over items of ``Kind.right``, that first column; ``losses`` that lower is better;
    ``percent`` that 100 is what other metrics call 1; ``ends`` are the least and the greatest score.
    ``extremes``: (2, d) rows of an average item answered well and of one answered badly, given the totals; None where
    items are not simply right or wrong. Intervals need them where errors are rare. ``signature`` is what a score's
    library says of how it was made; empty where it is ours."""

    names: tuple[str, ...]
    proportion: bool = False
    mean: bool = False
    losses: bool = False
    percent: bool = False
    ends: tuple[float, float] = (0.0, 1.0)
    signature: str = ""

    def statistics(self, examples: Sequence[Example], predictions: Sequence[Prediction]) -> Array: ...
    def score(self, totals: Array) -> Array: ...
    def extremes(self, totals: Array) -> Array | None:
        return None


def create(name: str, kind: Kind) -> Metric:
    """The metric ``name`` for a kind of answers."""
    made: Metric = METRICS.find(name)(kind)
    return made


def divide(top: Array, bottom: Array) -> Array:
    """top / bottom, NaN where the bottom is 0: unknown is not zero."""
    out: Array = np.full(np.broadcast(top, bottom).shape, np.nan)
    np.divide(top, bottom, out=out, where=bottom != 0)
    return out
