"""Demonstrations that together cover what an item says, token by token."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from itertools import chain
from typing import Any, Self

import numpy as np

from harness.errors import InputError
from harness.models.embed import Encoder
from harness.prompt.selectors import LARGE
from harness.prompt.selectors.exact import DECIMALS
from harness.types import Example


class SetBsr:
    """Those that together cover the item's tokens best, by BERTScore's recall (Set-BSR).

    A token is covered as far as the most similar token of any demonstration is; the set is found greedily, and stands
    by each one's own recall (Gupta, Gardner and Singh, 2023, "Coverage-based example selection for in-context
    learning"). Tokens count alike. ``embedder`` is ``minilm`` or an encoder's path or hub name."""

    name = "set-bsr"
    per_item = True

    def __init__(self, embedder: str = "minilm") -> None:
        if embedder == "lsa":
            raise InputError("the selector 'set-bsr' compares tokens, of which lsa has no vectors. Use minilm.")
        self.embedder = embedder

    def fit(self, pool: Sequence[Example]) -> Self:
        if len(pool) >= LARGE:
            raise InputError(
                f"the selector 'set-bsr' holds a vector for each token of the pool's {len(pool):,} examples, which it "
                f"does for fewer than {LARGE:,}. Use --selector knn, mmr or dpp, or a smaller train split."
            )
        self._encoder = Encoder(self.embedder)
        rows = self._encoder.tokens([example.text for example in pool])
        # A text of no tokens covers nothing.
        rows = [row if len(row) else np.zeros((1, row.shape[1]), np.float32) for row in rows]
        self._starts = np.cumsum([0, *map(len, rows[:-1])])
        self._tokens = np.concatenate(rows)
        return self

    def ranks(
        self, examples: Sequence[Example], barred: Sequence[Container[int]], shots: int
    ) -> Iterator[Iterator[int]]:
        for example, each in zip(examples, barred, strict=True):
            yield self._rank(example, each, shots)

    def _rank(self, example: Example, barred: Container[int], shots: int) -> Iterator[int]:
        open_ = np.array([place for place in range(len(self._starts)) if place not in barred], int)
        (tokens,) = self._encoder.tokens([example.text])
        if not len(tokens) or not len(open_):
            return iter(open_.tolist())
        # (tokens, pool): how far each example covers each token of the item.
        cover = np.maximum.reduceat(tokens @ self._tokens.T, self._starts, axis=1)[:, open_]
        recall = np.round(cover.mean(0), DECIMALS)
        chosen = _greedy(cover, min(shots, len(open_)))
        by_recall = np.argsort(-recall, kind="stable").tolist()
        first = [place for place in by_recall if place in chosen]
        rest = (place for place in by_recall if place not in chosen)
        return (int(open_[place]) for place in chain(first, rest))

    def __repr__(self) -> str:
        return f"SetBsr(embedder={self.embedder!r})"


def _greedy(cover: Any, shots: int) -> set[int]:
    """The columns of (tokens, n) ``cover`` of which each adds most to the mean of the rows' largest; once all is
    covered, ties go to the first."""
    chosen: set[int] = set()
    best = np.full((len(cover), 1), -1.0, np.float32)
    while len(chosen) < shots:
        worth = np.round(np.maximum(cover, best).mean(0), DECIMALS)
        worth[list(chosen)] = -np.inf
        place = int(worth.argmax())
        chosen.add(place)
        best = np.maximum(best, cover[:, [place]])
    return chosen
