"""The nearest examples by cosine similarity of embeddings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Self

import numpy as np

from harness.embed import DEFAULT, Embedder
from harness.selectors.balanced import take_turns
from harness.types import Example


class Knn:
    """The nearest by cosine similarity of embeddings.

    Ties go by id. ``embedder`` is ``lsa``, ``minilm`` or a model's path or hub name."""

    name = "knn"
    per_item = True

    def __init__(self, embedder: str = DEFAULT) -> None:
        self.embedder = embedder

    def fit(self, pool: Sequence[Example]) -> Self:
        self._pool = tuple(pool)
        self._embed = Embedder(self.embedder).fit([example.text for example in pool])
        self._matrix = self._embed([example.text for example in pool])
        return self

    def rank(self, example: Example, barred: frozenset[int]) -> Iterator[int]:
        # Rounded, so that the last bits of a dot product, which depend on the batch, cannot decide a tie.
        similarity = np.round(self._matrix @ self._embed([example.text])[0], 5)
        return (int(i) for i in np.argsort(-similarity, kind="stable") if int(i) not in barred)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(embedder={self.embedder!r})"


class KnnBalanced(Knn):
    """The nearest of each label in turn, by cosine similarity of embeddings."""

    name = "knn-balanced"

    def rank(self, example: Example, barred: frozenset[int]) -> Iterator[int]:
        return take_turns(list(super().rank(example, barred)), self._pool, ("turns", example.id))
