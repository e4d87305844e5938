"""Predictors: prompted models and baselines alike. One line each; imported on use."""

from __future__ import annotations

import importlib
from typing import Any

from harness.errors import unknown
from harness.types import Predictor

BASELINES = {
    "majority": "majority:Majority",
    "tfidf-logreg": "linear:TfidfLogreg",
}


def baseline(name: str, labels: tuple[str, ...], **params: Any) -> Predictor:
    """The untrained baseline ``name`` for a label set."""
    if name not in BASELINES:
        raise unknown("baseline", name, BASELINES)
    module, _, cls = BASELINES[name].partition(":")
    made: Predictor = getattr(importlib.import_module(f"harness.predictors.{module}"), cls)(labels, **params)
    return made
