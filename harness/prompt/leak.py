"""The only exclusion: which pool examples may not be demonstrations of an item. Every selector goes through here."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from functools import lru_cache

from harness.tokens import fold
from harness.types import Example

SHINGLE = 5
NEAR = 0.8
RECENT = 4096  # pool examples whose shingles are held: shared draws offer the same ones to every item

Shingles = frozenset[str]


def shingles(text: str) -> Shingles:
    """Character 5-grams of the folded text (the text itself where it is shorter)."""
    folded = fold(text)
    return frozenset(folded[i : i + SHINGLE] for i in range(max(1, len(folded) - SHINGLE + 1)))


class Barred:
    """The positions of a pool that are barred for ``example``, judged one by one as they are asked for.

    Barred are the item itself (by id and by normalised text), near-duplicates (Jaccard similarity of shingles at least
    ``threshold``; that of equal texts is 1) and other examples of the item's own cluster. ``met`` are the barred ones
    among those asked for."""

    def __init__(
        self, example: Example, pool: Sequence[Example], cut: Callable[[int], Shingles], threshold: float
    ) -> None:
        self.example, self.met = example, set[int]()
        self._pool, self._cut, self._threshold = pool, cut, threshold
        self._shingles = shingles(example.text)

    def __contains__(self, position: object) -> bool:
        assert isinstance(position, int)
        if found := self._judge(position):
            self.met.add(position)
        return found

    def _judge(self, position: int) -> bool:
        item, other = self.example, self._pool[position]
        if item.id == other.id or (item.cluster is not None and item.cluster == other.cluster):
            return True
        one, two = self._shingles, self._cut(position)
        both = len(one & two)
        return both >= self._threshold * (len(one) + len(two) - both)


class Leak:
    """Bars examples of ``pool`` from the demonstrations of an item. It looks only at pairs that it is asked about, so
    that a pool of any size costs nothing beforehand."""

    def __init__(self, pool: Sequence[Example], threshold: float = NEAR) -> None:
        self.pool, self.threshold = pool, threshold
        self._cut = lru_cache(RECENT)(lambda i: shingles(pool[i].text))

    def barred(self, example: Example) -> Barred:
        """The positions in the pool that may not be demonstrations of ``example``."""
        return Barred(example, self.pool, self._cut, self.threshold)


class Overlap:
    """All that is barred of a whole ``pool``, for telling what two splits share.

    Near-duplicates are found exactly, by prefix filtering (Bayardo, Ma and Srikant, 2007): two sets of Jaccard
    similarity t share an element among the rarest n - ceil(t n) + 1 of either, so only those are looked up.
    """

    def __init__(self, pool: Sequence[Example], threshold: float = NEAR) -> None:
        self.pool, self.threshold = pool, threshold
        self._sets = [shingles(e.text) for e in pool]
        self._frequency = Counter(s for row in self._sets for s in row)
        self._ids, self._clusters = defaultdict(list), defaultdict(list)
        self._rare: dict[str, list[int]] = defaultdict(list)
        for i, example in enumerate(pool):
            self._ids[example.id].append(i)
            if example.cluster is not None:
                self._clusters[example.cluster].append(i)
            for shingle in self._prefix(self._sets[i]):
                self._rare[shingle].append(i)

    def _prefix(self, row: Shingles) -> list[str]:
        keep = len(row) - math.ceil(self.threshold * len(row)) + 1
        return sorted(row, key=lambda s: (self._frequency[s], s))[:keep]

    def barred(self, example: Example) -> frozenset[int]:
        """Every position in the pool that may not be a demonstration of ``example``."""
        candidates = set(self._ids.get(example.id, ()))
        if example.cluster is not None:
            candidates.update(self._clusters.get(example.cluster, ()))
        for shingle in self._prefix(shingles(example.text)):
            candidates.update(self._rare.get(shingle, ()))
        barred = Barred(example, self.pool, self._sets.__getitem__, self.threshold)
        return frozenset(i for i in candidates if i in barred)
