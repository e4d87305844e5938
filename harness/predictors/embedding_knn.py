"""The nearest training examples by a frozen encoder vote."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Self

import numpy as np

from harness.kinds import Kind
from harness.models.embed import Embedder
from harness.predictors.embedding import signature, stated
from harness.predictors.linear import within
from harness.types import Example, Prediction, Signature

BLOCK = 1024  # texts whose similarities to the training data are held at once
LEAST = 1e-3  # a neighbour's vote, however far: else a label that train never shows could draw level and win


class EmbeddingKnn:
    """The labels of the nearest training examples, by cosine similarity of a frozen encoder's vectors.

    Each of the ``k`` nearest (all, where train has fewer) votes with its similarity; shares are smoothed by one vote
    over all labels, so that none is zero."""

    name = "embedding-knn"
    history = ()
    drawn = False

    def __init__(self, kind: Kind, model: str = "minilm", k: int = 5, seed: int = 0) -> None:
        within(self.name, 1, math.inf, k=k)
        self.kind, self.model, self.k, self.seed = kind, model, k, seed

    @property
    def settings(self) -> Mapping[str, Any]:
        return {"model": self.model}

    @property
    def signature(self) -> Signature:
        return signature(self.name, self.model, k=self.k)

    def fit(self, train: Sequence[Example], dev: Sequence[Example] = ()) -> Self:
        rows = sorted(train, key=lambda example: example.id)
        texts = [example.text for example in rows]
        self._embed = Embedder(self.model).fit(texts)
        self._matrix = self._embed(texts)
        place = {label: i for i, label in enumerate(self.kind.outputs)}
        self._votes = np.eye(len(self.kind.outputs))[[place[example.target] for example in rows]]
        return self

    def predict(self, examples: Sequence[Example]) -> Iterator[Prediction]:
        k = min(self.k, len(self._matrix))
        for start in range(0, len(examples), BLOCK):
            block = examples[start : start + BLOCK]
            texts = [example.text for example in block]
            # Rounded, so that the last bits of a dot product, which depend on the batch, cannot decide a tie.
            near = np.round(self._embed(texts) @ self._matrix.T, 5)
            yield from stated(
                block, self.kind.outputs, [self._shares(row, k) for row in near], self._embed.unread(texts)
            )

    def _shares(self, near: Any, k: int) -> Any:
        """The logarithm of each label's share of the votes."""
        chosen = np.argsort(-near, kind="stable")[:k]  # ties go by id
        votes = (np.maximum(near[chosen], LEAST)[:, None] * self._votes[chosen]).sum(0) + 1 / len(self.kind.outputs)
        return np.log(votes / votes.sum())

    def __repr__(self) -> str:
        return f"EmbeddingKnn(kind={self.kind!r}, model={self.model!r}, k={self.k!r}, seed={self.seed!r})"
