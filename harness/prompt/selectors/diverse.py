"""The nearest examples, but not one like another: what choices among an item's neighbours share."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from itertools import chain, islice
from typing import Any

import numpy as np

from harness.models.embed import Vectors
from harness.prompt.selectors.exact import DECIMALS
from harness.prompt.selectors.knn import BATCH, SPARE, Knn, allowed
from harness.types import Example

CANDIDATES = 100  # neighbours of an item that it chooses among (as Ye et al., 2023)


class Diverse(Knn):
    """Chooses among the ``CANDIDATES`` nearest of an item, which any index finds. A subclass says how. What is chosen
    stands by similarity, the others behind it."""

    def choose(self, relevance: Any, similarity: Any, shots: int) -> Sequence[int]:
        """Places of ``shots`` of the c candidates at most, given (c,) similarities to the item, the largest first, and
        the (c, c) ones of each two."""
        raise NotImplementedError

    def ranks(
        self, examples: Sequence[Example], barred: Sequence[Container[int]], shots: int
    ) -> Iterator[Iterator[int]]:
        index, many = self._indexes[""], max(CANDIDATES, shots)
        for start in range(0, len(examples), BATCH):
            batch = slice(start, start + BATCH)
            queries = self._embed.alone([example.text for example in examples[batch]])
            found = index.nearest(queries, many + SPARE)
            for query, near, each in zip(queries, found, barred[batch], strict=True):
                rest = allowed(index.ranking(query, near), each)
                candidates = list(islice(rest, many))
                yield chain(self._ordered(query, candidates, shots), rest)

    def _ordered(self, query: Vectors, candidates: Sequence[int], shots: int) -> list[int]:
        if not candidates:
            return []
        rows = np.asarray(self._matrix[np.array(candidates)], np.float64)
        # As neighbours are ranked: the last bits of a product cannot decide.
        relevance = np.round(rows @ query.astype(np.float64), DECIMALS)
        chosen = sorted(self.choose(relevance, np.round(rows @ rows.T, DECIMALS), shots))
        others = [place for place in range(len(candidates)) if place not in set(chosen)]
        return [candidates[place] for place in (*chosen, *others)]
