"""Demonstrations that stand for the whole pool: the same for every item."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from typing import Self

import numpy as np

from harness.errors import InputError
from harness.models.embed import DEFAULT, Embedder
from harness.prompt.selectors import LARGE
from harness.prompt.selectors.exact import Exact
from harness.types import Example

NEIGHBOURS, SHARE = 150, 20  # of each example: a twentieth of the pool, 150 at most
DISCOUNT = 10.0


class VoteK:
    """Those that stand for the whole pool, the same for every item (fast vote-k).

    Each example votes for its nearest ones; its vote counts a tenth for each of them that is chosen already (Su et al.,
    2023, "Selective annotation makes language models better few-shot learners"; without its second step, which asks the
    model). They vote for 150 of some 3,000; here for a twentieth of the pool, 150 at most."""

    name = "vote-k"
    per_item = False

    def __init__(self, embedder: str = DEFAULT) -> None:
        self.embedder = embedder

    def fit(self, pool: Sequence[Example]) -> Self:
        if len(pool) >= LARGE:
            raise InputError(
                f"the selector 'vote-k' compares each of the pool's {len(pool):,} examples with each other, which it "
                f"does for fewer than {LARGE:,}. Use --selector knn, mmr or dpp, or a smaller train split."
            )
        texts = [example.text for example in pool]
        matrix = Embedder(self.embedder).fit(texts)(texts)
        many = min(NEIGHBOURS, max(1, len(pool) // SHARE), len(pool) - 1)
        near = Exact(matrix).nearest(matrix, many + 1)
        # Of equal texts one may push the example itself out of its neighbours.
        self._near = np.array([row[row != own][:many] for own, row in enumerate(near)]).reshape(len(pool), many)
        self._order: list[int] = []
        self._votes = np.ones(len(pool))
        self._open = np.ones(len(pool), bool)
        return self

    def _chosen(self, place: int) -> int:
        """The one that is chosen at ``place``; those before it are chosen first."""
        while len(self._order) <= place:
            weights = np.repeat(np.where(self._open, self._votes, 0.0), self._near.shape[1])
            worth = np.bincount(self._near.ravel(), weights, minlength=len(self._open))
            best = int(np.where(self._open, worth, -np.inf).argmax())
            self._order.append(best)
            self._open[best] = False
            self._votes[(self._near == best).any(1)] /= DISCOUNT
        return self._order[place]

    def ranks(
        self, examples: Sequence[Example], barred: Sequence[Container[int]], shots: int
    ) -> Iterator[Iterator[int]]:
        return (self._rank(each) for each in barred)

    def _rank(self, barred: Container[int]) -> Iterator[int]:
        for place in range(len(self._open)):
            if (found := self._chosen(place)) not in barred:
                yield found

    def __repr__(self) -> str:
        return f"VoteK(embedder={self.embedder!r})"
