"""The place at which the right option stands most often."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Self

from harness.choice import normalised
from harness.predictors.simple import Simple
from harness.types import Example, Prediction


class Place(Simple):
    """The place at which the right option stands most often in the training split.

    Ties go to the first. Of an item with fewer options, the commonest of the places that it has. Shares are smoothed by
    one (Laplace), so none is zero."""

    name = "place"

    def fit(self, train: Sequence[Example], dev: Sequence[Example] = ()) -> Self:
        self._counts = Counter(example.target for example in train)
        return self

    def predict(self, examples: Sequence[Example]) -> Iterator[Prediction]:
        for example in examples:
            places = [str(i) for i in range(1, len(example.options) + 1)]
            logprobs = normalised([math.log(self._counts[place] + 1) for place in places])
            answer = max(places, key=lambda place: self._counts[place])
            yield Prediction(example.id, answer, label_logprobs=logprobs)
