"""The nearest examples by cosine similarity of embeddings."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from hashlib import sha256
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Self

import numpy as np

from harness.errors import missing_extra, unknown
from harness.models.embed import DEFAULT, Embedder, Vectors
from harness.prompt.selectors import LARGE
from harness.prompt.selectors.approximate import NEIGHBOURS, Approximate
from harness.prompt.selectors.balanced import by_label, in_turn, label_turns
from harness.prompt.selectors.exact import Exact
from harness.prompt.selectors.top import Positions
from harness.results.vault import Vault, pool_hash
from harness.types import Example, Signature

INDEXES = ("exact", "ann")
BATCH = 256  # items looked up at once
SPARE = 16  # neighbours looked up beyond those needed: some will be barred
MATRIX = "vectors.npy"
NOTHING: Positions = np.empty(0, dtype=np.int64)

Index = Exact | Approximate


class Knn:
    """The nearest by cosine similarity of embeddings.

    Ties go by id. ``embedder`` is ``lsa``, ``minilm`` or a model's path or hub name. ``index`` ``exact`` compares an
    item with all of the pool; ``ann`` (approximate nearest neighbours) with a part of a large pool, and says which
    share of the neighbours it finds. ``vault`` keeps the vectors and indexes of large pools."""

    name = "knn"
    per_item = True

    def __init__(self, embedder: str = DEFAULT, index: str = "exact", vault: Vault | None = None) -> None:
        if index not in INDEXES:
            raise unknown("index", index, INDEXES)
        if index == "ann" and find_spec("faiss") is None:
            raise missing_extra("faiss-cpu", "faiss", "The index 'ann'")
        self.embedder, self.index, self.vault = embedder, index, vault
        self._recalls: list[float] = []

    def fit(self, pool: Sequence[Example]) -> Self:
        vault = self.vault if len(pool) >= LARGE else None
        texts = [example.text for example in pool]
        self._embed = Embedder(self.embedder)
        if vault is None:
            made_of = Signature(())
            self._matrix = self._vectors(texts)
        else:
            made_of = self._embed.identity + Signature.of(pool=pool_hash(pool))
            self._matrix = vault.once(made_of, lambda: self._vectors(texts), self._save, self._load)
        self._indexes = {name: self._index(rows, made_of, vault) for name, rows in self._parts(pool).items()}
        self._recalls = [each.recall for each in self._indexes.values() if isinstance(each, Approximate)]
        return self

    def _parts(self, pool: Sequence[Example]) -> Mapping[str, Positions | None]:
        """Positions that are searched apart from the others; None for all."""
        return {"": None}

    def _vectors(self, texts: Sequence[str]) -> Vectors:
        return self._embed.fit(texts)(texts)

    def _save(self, matrix: Vectors, folder: Path) -> None:
        np.save(folder / MATRIX, matrix)
        self._embed.save(folder)

    def _load(self, folder: Path) -> Vectors:
        self._embed.load(folder)
        matrix: Vectors = np.asarray(np.load(folder / MATRIX, mmap_mode="r"))
        return matrix

    def _index(self, rows: Positions | None, made_of: Signature, vault: Vault | None) -> Index:
        exact = Exact(self._matrix, rows)
        if self.index == "exact" or len(exact) < LARGE:
            return exact
        if vault is None:
            return Approximate.build(exact)
        made_of += Approximate.identity() + Signature.of(rows=sha256(exact.positions.tobytes()).hexdigest())
        return vault.once(
            made_of,
            lambda: Approximate.build(exact),
            Approximate.save,
            lambda folder: Approximate.load(exact, folder),
        )

    def ranks(
        self, examples: Sequence[Example], barred: Sequence[Container[int]], shots: int
    ) -> Iterator[Iterator[int]]:
        index = self._indexes[""]
        for start in range(0, len(examples), BATCH):
            batch = slice(start, start + BATCH)
            queries = self._embed.alone([example.text for example in examples[batch]])
            found = index.nearest(queries, shots + SPARE)
            for query, near, each in zip(queries, found, barred[batch], strict=True):
                yield allowed(index.ranking(query, near), each)

    def __repr__(self) -> str:
        index = "" if self.index == "exact" else f", index={self.index!r}"
        return f"{type(self).__name__}(embedder={self.embedder!r}{index})"

    def __str__(self) -> str:
        """What a run's signature says: the recall that was measured, too, where neighbours are approximate."""
        recall = f" with recall@{NEIGHBOURS} {min(self._recalls):.4f}" if self._recalls else ""
        return repr(self) + recall


class KnnBalanced(Knn):
    """The nearest of each label in turn, by cosine similarity of embeddings."""

    name = "knn-balanced"

    def _parts(self, pool: Sequence[Example]) -> Mapping[str, Positions | None]:
        groups = by_label(range(len(pool)), [example.target for example in pool])
        return {label: np.array(groups[label]) for label in sorted(groups)}

    def ranks(
        self, examples: Sequence[Example], barred: Sequence[Container[int]], shots: int
    ) -> Iterator[Iterator[int]]:
        for start in range(0, len(examples), BATCH):
            batch = examples[start : start + BATCH]
            queries = self._embed.alone([example.text for example in batch])
            found = self._nearest(batch, queries, shots)
            for example, query, near, each in zip(batch, queries, found, barred[start : start + BATCH], strict=True):
                queues = {
                    label: allowed(index.ranking(query, near.get(label, NOTHING)), each)
                    for label, index in self._indexes.items()
                }
                yield in_turn(queues, self._turns(example))

    def _nearest(self, batch: Sequence[Example], queries: Vectors, shots: int) -> list[dict[str, Positions]]:
        """The nearest of each label whose turn comes in the first ``shots``, for each example."""
        found: list[dict[str, Positions]] = [{} for _ in batch]
        asked: dict[str, list[int]] = {}
        for i, example in enumerate(batch):
            for label in set(islice(self._turns(example), shots)):
                asked.setdefault(label, []).append(i)
        depth = -(-shots // len(self._indexes)) + SPARE
        for label, rows in asked.items():
            for i, near in zip(rows, self._indexes[label].nearest(queries[rows], depth), strict=True):
                found[i][label] = near
        return found

    def _turns(self, example: Example) -> Iterator[str]:
        return label_turns(list(self._indexes), ("turns", example.id))


def allowed(ranking: Iterator[int], barred: Container[int]) -> Iterator[int]:
    """``ranking`` without what is ``barred``."""
    return (i for i in ranking if i not in barred)
