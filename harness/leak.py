"""The only exclusion: which pool examples may not be demonstrations of an item. Every selector goes through here."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence

from harness.parse import fold
from harness.types import Example

SHINGLE = 5
NEAR = 0.8


def shingles(text: str) -> frozenset[str]:
    """Character 5-grams of the folded text (the text itself where it is shorter)."""
    folded = fold(text)
    return frozenset(folded[i : i + SHINGLE] for i in range(max(1, len(folded) - SHINGLE + 1)))


class Leak:
    """Bars from an item's demonstrations: the item itself (by id and by normalised text), near-duplicates
    (Jaccard similarity of character 5-grams at least ``threshold``) and other examples of the item's own cluster.

    Near-duplicates are found exactly, by prefix filtering (Bayardo, Ma and Srikant, 2007): two sets of Jaccard
    similarity t share an element among the rarest n - ceil(t n) + 1 of either, so only those are looked up.
    """

    def __init__(self, pool: Sequence[Example], threshold: float = NEAR) -> None:
        self.threshold = threshold
        self._sets = [shingles(e.text) for e in pool]
        self._frequency = Counter(s for row in self._sets for s in row)
        self._ids, self._texts, self._clusters = defaultdict(list), defaultdict(list), defaultdict(list)
        self._rare: dict[str, list[int]] = defaultdict(list)
        for i, example in enumerate(pool):
            self._ids[example.id].append(i)
            self._texts[fold(example.text)].append(i)
            if example.cluster is not None:
                self._clusters[example.cluster].append(i)
            for shingle in self._prefix(self._sets[i]):
                self._rare[shingle].append(i)

    def _prefix(self, row: frozenset[str]) -> list[str]:
        keep = len(row) - math.ceil(self.threshold * len(row)) + 1
        return sorted(row, key=lambda s: (self._frequency[s], s))[:keep]

    def barred(self, example: Example) -> frozenset[int]:
        """Positions in the pool that may not be demonstrations of ``example``."""
        out = {*self._ids.get(example.id, ()), *self._texts.get(fold(example.text), ())}
        if example.cluster is not None:
            out.update(self._clusters.get(example.cluster, ()))
        row = shingles(example.text)
        for i in {i for shingle in self._prefix(row) for i in self._rare.get(shingle, ())} - out:
            both = len(row & self._sets[i])
            if both >= self.threshold * (len(row) + len(self._sets[i]) - both):
                out.add(i)
        return frozenset(out)
