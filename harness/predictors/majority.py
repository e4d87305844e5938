"""The commonest label of the training split, with the labels' shares as probabilities."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Self

from harness.predictors.simple import Simple
from harness.types import Example, Prediction


class Majority(Simple):
    """The commonest label of the training split; where an item may have several, the commonest set of them.

    Ties go to the label named first in the task, among sets to the first in the alphabet. Labels' shares are smoothed
    by one (Laplace), so none is zero."""

    name = "majority"

    def fit(self, train: Sequence[Example], dev: Sequence[Example] = ()) -> Self:
        counts = Counter(example.target for example in train)
        self._answer = max(self.kind.outputs or sorted(counts), key=lambda label: counts[label])
        total = len(train) + len(self.kind.outputs)
        self._logprobs = tuple(math.log((counts[label] + 1) / total) for label in self.kind.outputs)
        return self

    def predict(self, examples: Sequence[Example]) -> Iterator[Prediction]:
        for example in examples:
            yield Prediction(example.id, self._answer, label_logprobs=self._logprobs or None)
