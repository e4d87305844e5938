"""Items with several labels at once, for classifiers of one: each label against the rest."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from harness.kinds import Kind
from harness.types import Example

FOLDS, LEAST = 5, 10  # of cross-validation; examples that it takes


def several(kind: Kind) -> bool:
    """Whether an item of this ``kind`` may have several labels of a fixed set, or none."""
    return bool(kind.members) and not kind.outputs


def indicators(kind: Kind, examples: Sequence[Example]) -> Any:
    """(n, labels) of 0 and 1: what each example has."""
    return np.array([[int(label in kind.classes(e.target)) for label in kind.members] for e in examples])


def cut(model: Any, features: Any, held: Any) -> float:
    """From which decision value on a label is said: the cut of highest micro-F1 over held-out values of the training
    data, in five folds (Fan and Lin, 2007, "A study on threshold selection for multi-label classification"). Few
    examples make a classifier that says no label at 0. With fewer than ten examples it is 0."""
    from sklearn.model_selection import KFold, cross_val_predict

    if len(held) < LEAST:
        return 0.0
    folds = KFold(FOLDS, shuffle=True, random_state=0)
    values = cross_val_predict(model, features, held, cv=folds, method="decision_function").ravel()
    order = np.argsort(-values, kind="stable")
    values, truth = values[order], held.ravel()[order]
    scores = 2 * np.cumsum(truth) / (np.arange(1, len(truth) + 1) + truth.sum())
    scores[:-1][values[:-1] == values[1:]] = -1  # no cut falls between equal values
    best = int(scores.argmax())
    after = values[best + 1] if best + 1 < len(values) else values[best] - 1
    return float((values[best] + after) / 2)


def outputs(kind: Kind, said: Any) -> list[str]:
    """The answers of (n, labels) truth values."""
    return [
        json.dumps(sorted(label for label, yes in zip(kind.members, row, strict=True) if yes), ensure_ascii=False)
        for row in said
    ]
