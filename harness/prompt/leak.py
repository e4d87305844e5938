"""The only exclusion: which pool examples may not be demonstrations of an item. Every selector goes through here."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from functools import lru_cache
from hashlib import sha256
from itertools import chain

from harness.tokens import fold
from harness.types import Example

SHINGLE = 5
NEAR = 0.8
SHARED = 4  # one in so many of a text's shingles must be shared among the rarest, before two are compared in full
RECENT = 4096  # pool examples whose shingles are held: shared draws offer the same ones to every item

Shingles = frozenset[str]


def shingles(text: str) -> Shingles:
    """Character 5-grams of the folded text (the text itself where it is shorter)."""
    folded = fold(text)
    return frozenset(folded[i : i + SHINGLE] for i in range(max(1, len(folded) - SHINGLE + 1)))


def similar(one: Shingles, two: Shingles, threshold: float) -> bool:
    """Whether the Jaccard similarity of two sets is at least ``threshold``."""
    both = len(one & two)
    return both >= threshold * (len(one) + len(two) - both)


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
        return similar(self._shingles, self._cut(position), self._threshold)


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

    Near-duplicates are found exactly, by prefix filtering (Bayardo, Ma and Srikant, 2007) with several elements shared
    (Wang, Li and Feng, 2012): two sets of Jaccard similarity t share at least l elements among the rarest
    n - ceil(t n) + l of either, so only those are looked up and counted.
    """

    def __init__(self, pool: Sequence[Example], threshold: float = NEAR) -> None:
        self.pool, self.threshold = pool, threshold
        self._cut = lru_cache(RECENT)(lambda i: shingles(pool[i].text))
        self._ids, self._clusters = defaultdict(list), defaultdict(list)
        frequency: Counter[str] = Counter()
        for i, example in enumerate(pool):
            frequency.update(shingles(example.text))
            self._ids[example.id].append(i)
            if example.cluster is not None:
                self._clusters[example.cluster].append(i)
        self._ranks = {s: i for i, s in enumerate(sorted(frequency, key=lambda s: (frequency[s], s)))}
        self._rare: dict[int, list[int]] = defaultdict(list)
        for i, example in enumerate(pool):
            for rank in self._prefix(shingles(example.text)):
                self._rare[rank].append(i)

    def _prefix(self, row: Shingles) -> list[int]:
        """The rarest of ``row``, without those that the pool never shows: they are rarer than any other."""
        keep = len(row) - math.ceil(self.threshold * len(row)) + _least(len(row))
        ranks = [self._ranks[s] for s in row if s in self._ranks]
        return sorted(ranks)[: max(0, keep - (len(row) - len(ranks)))]

    def near(self, example: Example) -> frozenset[int]:
        """Every position in the pool whose text is that of ``example``, or nearly."""
        row = shingles(example.text)
        met = Counter(chain.from_iterable(self._rare.get(rank, ()) for rank in self._prefix(row)))
        least = _least(math.ceil(self.threshold * len(row)))  # no near-duplicate has fewer shingles than that
        candidates = (i for i, shared in met.items() if shared >= least)
        return frozenset(i for i in candidates if similar(row, self._cut(i), self.threshold))

    def barred(self, example: Example) -> frozenset[int]:
        """Every position in the pool that may not be a demonstration of ``example``."""
        cluster = self._clusters.get(example.cluster, ()) if example.cluster is not None else ()
        return self.near(example).union(self._ids.get(example.id, ()), cluster)


def shared(items: Sequence[Example], others: Sequence[Example], threshold: float = NEAR) -> frozenset[int]:
    """The positions of ``items`` whose text is that of one of ``others``, or nearly. What is held in memory grows with
    ``items`` only."""
    overlap = Overlap(items, threshold)
    return frozenset(i for other in others for i in overlap.near(other))


def repeated(items: Sequence[Example], others: Sequence[Example]) -> frozenset[int]:
    """The positions of ``items`` whose folded text is that of one of ``others``: quick for splits of any size."""
    texts = {_key(other.text) for other in others}
    return frozenset(i for i, item in enumerate(items) if _key(item.text) in texts)


def _key(text: str) -> bytes:
    """16 bytes of a hash of the folded text."""
    return sha256(fold(text).encode()).digest()[:16]


def _least(size: int) -> int:
    return max(1, size // SHARED)
