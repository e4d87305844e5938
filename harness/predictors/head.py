"""A logistic-regression head over vectors: what frozen and contrastively tuned encoders end in."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np

from harness.predictors.linear import spread


class Head:
    """Multinomial logistic regression with inverse regularisation strength ``C`` over (n, d) vectors."""

    def __init__(self, C: float, class_weights: bool = False, seed: int = 0) -> None:
        self.C, self.class_weights, self.seed = C, class_weights, seed

    def fit(self, vectors: Any, targets: Sequence[str]) -> Self:
        """Targets of one label only make a head that always answers it."""
        from sklearn.linear_model import LogisticRegression

        classes = sorted(set(targets))
        self.classes = classes
        self.weights, self.bias = np.zeros((len(classes), vectors.shape[1])), np.zeros(len(classes))
        if len(classes) > 1:
            weights = "balanced" if self.class_weights else None
            model = LogisticRegression(C=self.C, class_weight=weights, max_iter=2000, random_state=self.seed)
            model.fit(np.asarray(vectors, np.float64), targets)
            coef, bias = model.coef_, model.intercept_
            # Two classes have one row: the log-odds of the second, which a softmax reads as (0, odds).
            self.weights = coef if len(coef) > 1 else np.concatenate([np.zeros_like(coef), coef])
            self.bias = bias if len(bias) > 1 else np.concatenate([np.zeros_like(bias), bias])
        return self

    def logprobs(self, vectors: Any, labels: tuple[str, ...]) -> list[tuple[float, ...]]:
        """One row a vector: natural log-probabilities in the order of ``labels``; those never seen get -700."""
        scores = np.asarray(vectors, np.float64) @ self.weights.T + self.bias
        scores -= scores.max(1, keepdims=True)
        return spread(self.classes, scores - np.log(np.exp(scores).sum(1, keepdims=True)), labels)

    def save(self, folder: Path) -> None:
        """Into ``head.safetensors`` and ``head.json``."""
        from safetensors.numpy import save_file

        save_file({"weights": np.ascontiguousarray(self.weights), "bias": self.bias}, folder / "head.safetensors")
        (folder / "head.json").write_text(json.dumps(self.classes, ensure_ascii=False), encoding="utf-8")

    def load(self, folder: Path) -> Self:
        """What ``save`` wrote."""
        from safetensors.numpy import load_file

        found = load_file(folder / "head.safetensors")
        self.weights, self.bias = found["weights"], found["bias"]
        self.classes = json.loads((folder / "head.json").read_text(encoding="utf-8"))
        return self
