"""The commonest label of the training split, with the labels' shares as probabilities."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Self

from harness.kinds import Kind
from harness.types import Example, Prediction, Signature


class Majority:
    """The commonest label of the training split.

    Ties go to the label named first in the task. Shares are smoothed by one (Laplace), so none is zero."""

    name = "majority"
    history = ()
    drawn = False

    def __init__(self, kind: Kind, seed: int = 0) -> None:
        self.kind, self.seed = kind, seed

    @property
    def settings(self) -> Mapping[str, Any]:
        return {}

    @property
    def signature(self) -> Signature:
        return Signature.of(predictor=self.name)

    def fit(self, train: Sequence[Example], dev: Sequence[Example] = ()) -> Self:
        counts = Counter(example.target for example in train)
        self._answer = max(self.kind.outputs, key=lambda label: counts[label])
        total = len(train) + len(self.kind.outputs)
        self._logprobs = tuple(math.log((counts[label] + 1) / total) for label in self.kind.outputs)
        return self

    def predict(self, examples: Sequence[Example]) -> Iterator[Prediction]:
        for example in examples:
            yield Prediction(example.id, self._answer, label_logprobs=self._logprobs)

    def __repr__(self) -> str:
        return f"Majority(kind={self.kind!r}, seed={self.seed!r})"
