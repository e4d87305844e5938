"""The nearest rows of a matrix, nearly always: an inverted file (faiss) whose recall is measured as it is built."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import numpy as np

from harness.chance import rng
from harness.models.embed import Vectors
from harness.prompt.selectors.exact import BLOCK, Best, Exact
from harness.prompt.selectors.top import Positions
from harness.types import Signature

RECALL, NEIGHBOURS = 0.985, 10  # what share of how many neighbours must be found
HELD = 1000  # rows that it is measured on
ROUNDS, LEARN = 8, 40  # of k-means, on how many rows for each list
WIDER = 4  # candidates for each neighbour asked for: the lists hold vectors in 8 bits a number
LISTS, TRIED = "lists.faiss", "tried.json"


class Approximate:
    """Looks for neighbours only in the lists whose centres are nearest to a query (Jegou, Douze and Schmid, 2011), and
    ranks what it finds as ``Exact`` does. It looks at ``probes`` lists, which find the share ``recall`` of the 10
    nearest of rows that the centres were not learnt from.

    Which centres are nearest is decided exactly, so that what comes with a query cannot change its neighbours."""

    def __init__(self, exact: Exact, lists: Any, probes: int = 1, recall: float = 0.0) -> None:
        self.exact, self.lists, self.probes, self.recall = exact, lists, probes, recall
        self.centres = Exact(lists.quantizer.reconstruct_n(0, lists.nlist))

    @classmethod
    def build(cls, exact: Exact) -> Self:
        """Lists over the rows of ``exact``. The same rows make the same lists, on any number of threads."""
        import faiss

        n, d = len(exact), exact.matrix.shape[1]
        count = round(4 * math.sqrt(n))
        held, learnt = _drawn(exact, count * LEARN)
        lists = faiss.IndexIVFScalarQuantizer(
            faiss.IndexFlatIP(d), d, count, faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT, False
        )
        how = lists.cp
        how.seed, how.niter, how.spherical = 1, ROUNDS, True
        how.min_points_per_centroid, how.max_points_per_centroid = 1, LEARN
        lists.train(exact.matrix[learnt])
        for start in range(0, n, BLOCK):
            lists.add(np.ascontiguousarray(exact.rows(start, start + BLOCK)))
        made = cls(exact, lists)
        made._tune(held)
        return made

    @staticmethod
    def identity() -> Signature:
        """What decides the lists, besides the rows."""
        import faiss

        how = (RECALL, NEIGHBOURS, HELD, ROUNDS, LEARN, WIDER)
        return Signature.of(index="ann", how=how, faiss=faiss.__version__)

    def _tune(self, held: Positions) -> None:
        """Look at more lists until enough neighbours of the rows ``held`` are found."""
        queries = self.exact.matrix[held]

        def others(index: Exact | Self) -> list[set[int]]:
            near = index.nearest(queries, NEIGHBOURS + 1)
            return [set(row[row != own][:NEIGHBOURS].tolist()) for own, row in zip(held, near, strict=True)]

        wanted = others(self.exact)
        while self.recall < RECALL and self.probes < self.lists.nlist:
            self.probes = min(self.lists.nlist, math.ceil(1.25 * self.probes) + 1)
            found = others(self)
            hits = sum(len(one & two) for one, two in zip(wanted, found, strict=True))
            self.recall = hits / sum(map(len, wanted))

    def nearest(self, queries: Vectors, k: int) -> list[Positions]:
        """Positions of the ``k`` nearest found of each query, the nearest first; fewer where the lists hold fewer."""
        self.lists.nprobe = self.probes
        centres = np.stack(self.centres.nearest(queries, self.probes))
        _, found = self.lists.search_preassigned(queries, WIDER * k, centres, np.zeros(centres.shape, np.float32))
        owner, place = np.nonzero(found >= 0)
        positions = self.exact.positions[found[owner, place]]
        best = Best(len(queries), k)
        best.add(owner, positions, Exact.similarities(queries, owner, self.exact.matrix, positions))
        return best.split()

    def ranking(self, query: Vectors, found: Positions) -> Iterator[int]:
        """Positions from the nearest on: those ``found``, then, as they are used up, by exact searches."""
        return self.exact.ranking(query, found)

    def save(self, folder: Path) -> None:
        """Write the lists to ``folder``, and how well they do."""
        import faiss

        faiss.write_index(self.lists, str(folder / LISTS))
        (folder / TRIED).write_text(json.dumps({"probes": self.probes, "recall": self.recall}), encoding="utf-8")

    @classmethod
    def load(cls, exact: Exact, folder: Path) -> Self:
        """What ``save`` wrote, over the same rows."""
        import faiss

        tried = json.loads((folder / TRIED).read_text(encoding="utf-8"))
        return cls(exact, faiss.read_index(str(folder / LISTS)), **tried)


def _drawn(exact: Exact, count: int) -> tuple[Positions, Positions]:
    """Rows of the whole matrix to measure on, since items of any label look among those of one; and up to ``count``
    others to learn from."""
    n = len(exact.matrix)
    held = np.sort(rng("held", n).choice(n, min(HELD, n // 4), replace=False))
    others = np.setdiff1d(exact.positions, held)
    return held, np.sort(rng("learnt", n).permutation(others)[:count])
