"""The option that reads most like the question."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Self

import numpy as np

from harness.choice import chosen, normalised
from harness.kinds import Kind
from harness.models.embed import Embedder
from harness.predictors.embedding import signature
from harness.predictors.linear import within
from harness.types import Example, Prediction, Signature, Trace

BLOCK = 256  # items whose vectors are held at once


class Similarity:
    """The option whose vector is nearest to the question's, by cosine similarity of a frozen encoder.

    What is stated is a softmax of the similarities times ``scale``, which is learnt on the training split: the value
    among powers of two from 1 to 128 under which the right options are likeliest."""

    name = "similarity"
    history = ()
    drawn = False

    def __init__(self, kind: Kind, model: str = "minilm", scale: float = 0.0, seed: int = 0) -> None:
        within(self.name, 0, math.inf, scale=scale)
        self.kind, self.model, self.scale, self.seed = kind, model, scale, seed

    @property
    def settings(self) -> Mapping[str, Any]:
        return {"model": self.model}

    @property
    def signature(self) -> Signature:
        return signature(self.name, self.model, scale=self.scale or "learnt")

    def fit(self, train: Sequence[Example], dev: Sequence[Example] = ()) -> Self:
        rows = sorted(train, key=lambda example: example.id)
        self._embed = Embedder(self.model).fit([text for example in rows for text in (example.text, *example.options)])
        self._scale = self.scale or self._learnt(rows)
        return self

    def _learnt(self, rows: Sequence[Example]) -> float:
        near = list(self._near(rows))
        right = [int(example.target) - 1 for example in rows]

        def likelihood(scale: float) -> float:
            return math.fsum(normalised(list(scale * row))[place] for row, place in zip(near, right, strict=True))

        return max((2.0**power for power in range(8)), key=likelihood)

    def _near(self, examples: Sequence[Example]) -> Iterator[Any]:
        """(options,) similarities of each example, rounded, so that the last bits, which depend on the batch, cannot
        decide."""
        for start in range(0, len(examples), BLOCK):
            block = examples[start : start + BLOCK]
            asked = self._embed([example.text for example in block])
            offered = self._embed([option for example in block for option in example.options])
            at = 0
            for vector, example in zip(asked, block, strict=True):
                yield np.round(offered[at : at + len(example.options)] @ vector, 5)
                at += len(example.options)

    def predict(self, examples: Sequence[Example]) -> Iterator[Prediction]:
        if not examples:
            return
        unread = self._embed.unread([example.text for example in examples])
        for example, row, cut in zip(examples, self._near(examples), unread, strict=True):
            places = [str(i) for i in range(1, len(row) + 1)]
            yield chosen(example.id, places, normalised(list(map(float, self._scale * row))), Trace(unread=cut))

    def __repr__(self) -> str:
        return f"Similarity(kind={self.kind!r}, model={self.model!r}, scale={self.scale!r}, seed={self.seed!r})"
