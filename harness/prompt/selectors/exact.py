"""The nearest rows of a matrix, exactly, without sorting all similarities."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from harness.models.embed import Vectors
from harness.prompt.selectors.top import LANE, Positions, least

BLOCK = 256 * LANE  # rows that all queries are multiplied with at once: their products stay in the processor's cache
PAIRS = 16_384  # pairs whose similarity is computed in double precision at once
# Similarities count in steps of 1e-5, so that the last bits of a product, which depend on the batch, cannot decide.
DECIMALS, STEP = 5, 1e-5
SLACK = 3e-6  # more than a product of unit vectors in single precision is off by


class Exact:
    """The rows of ``matrix`` (n, d), or those at the ascending ``positions``, nearest to a query by cosine similarity
    (all being unit vectors). Similarities are rounded to 5 decimals; ties go by position.

    Products in single precision only tell which pairs can be among the nearest. Those are computed again, each by
    itself and in double precision, so that what comes with a query cannot change its neighbours."""

    def __init__(self, matrix: Vectors, positions: Positions | None = None) -> None:
        self.matrix = matrix
        self.positions: Any = np.arange(len(matrix)) if positions is None else positions
        self.whole = positions is None

    def __len__(self) -> int:
        return len(self.positions)

    def nearest(self, queries: Vectors, k: int) -> list[Positions]:
        """Positions of the ``k`` nearest of each query (all, where there are fewer), the nearest first."""
        k, n, q = min(k, len(self)), len(self), len(queries)
        best = Best(q, k)
        room = np.empty((min(BLOCK, -(-n // LANE) * LANE), q), dtype=np.float32)
        across = np.ascontiguousarray(queries.T)
        for start in range(0, n, BLOCK):
            block = self.rows(start, start + BLOCK)
            np.matmul(block, across, out=room[: len(block)])
            room[len(block) :] = -np.inf  # the last block may be shorter
            floor = np.maximum(best.floor, least(room[: len(block)], k) - 2 * STEP) if start == 0 else best.floor
            row, owner = _reaching(room, floor)
            if len(row):
                best.add(owner, self.positions[start + row], self.similarities(queries, owner, block, row))
        return best.split()

    def rows(self, start: int, stop: int) -> Vectors:
        """(stop - start, d), fewer at the end."""
        return self.matrix[start:stop] if self.whole else self.matrix[self.positions[start:stop]]

    @staticmethod
    def similarities(queries: Vectors, owner: Positions, rows: Vectors, row: Positions) -> Any:
        """The rounded similarity of each pair of a query and a row."""
        parts = []
        for start in range(0, len(row), PAIRS):
            one = queries[owner[start : start + PAIRS]].astype(np.float64)
            two = rows[row[start : start + PAIRS]].astype(np.float64)
            parts.append(np.einsum("ij,ij->i", one, two))
        return np.round(np.concatenate(parts), DECIMALS)

    def ranking(self, query: Vectors, found: Positions) -> Iterator[int]:
        """Positions from the nearest on: those ``found``, then, as they are used up, by ever deeper searches."""
        seen = dict.fromkeys(found.tolist())
        yield from seen
        while len(seen) < len(self):
            deeper = self.nearest(query[None], 8 * len(seen) + LANE)[0].tolist()
            fresh = [i for i in deeper if i not in seen]
            seen.update(dict.fromkeys(fresh))
            yield from fresh


class Best:
    """The ``k`` best so far of each of some queries. ``floor`` is what a similarity must reach to be among them."""

    def __init__(self, queries: int, k: int) -> None:
        self.k = k
        self.floor = np.full(queries, -np.inf, dtype=np.float32)
        self.owner = self.position = np.empty(0, dtype=np.int64)
        self.similarity = np.empty(0)

    def add(self, owner: Positions, position: Positions, similarity: Any) -> None:
        """Pairs of a query and a position that lies behind all positions added before."""
        owner = np.concatenate([self.owner, owner])
        position = np.concatenate([self.position, position])
        similarity = np.concatenate([self.similarity, similarity])
        order = np.lexsort((position, -similarity, owner))
        owner, position, similarity = owner[order], position[order], similarity[order]
        rank = np.arange(len(owner)) - np.searchsorted(owner, owner)
        # A later position must be a whole step better: it loses every tie.
        last = rank == self.k - 1
        self.floor[owner[last]] = similarity[last] + STEP / 2 - SLACK
        keep = rank < self.k
        self.owner, self.position, self.similarity = owner[keep], position[keep], similarity[keep]

    def split(self) -> list[Positions]:
        """The positions of each query, the best first."""
        return np.split(self.position, np.searchsorted(self.owner, np.arange(1, len(self.floor))))


def _reaching(scores: Any, floor: Any) -> tuple[Positions, Positions]:
    """Rows and columns of ``scores`` (n, q) that reach the column's ``floor`` (q,), n being a multiple of ``LANE``."""
    lanes = scores.reshape(LANE, -1, scores.shape[1])
    lane, owner = np.nonzero(lanes.max(0) >= floor)
    hit, place = np.nonzero((lanes[:, lane, owner] >= floor[owner]).T)
    return place * lanes.shape[1] + lane[hit], owner[hit]
