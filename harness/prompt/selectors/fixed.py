"""The same demonstrations for every item: named by id, or the first of the pool."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from itertools import chain
from typing import Self

from harness.errors import unknown
from harness.types import Example


class Fixed:
    """The same demonstrations for every item, named by id. ``ids`` come first, in the order given, then the rest of the
    pool in id order, which stands in for barred ones."""

    name = "fixed"
    per_item = False

    def __init__(self, ids: Sequence[str] = ()) -> None:
        self.ids = tuple(ids)

    def fit(self, pool: Sequence[Example]) -> Self:
        place = {example.id: i for i, example in enumerate(pool)}
        for name in self.ids:
            if name not in place:
                raise unknown("demonstration id", name, place)
        self._named = {place[name]: None for name in self.ids}  # a set that keeps its order
        self._size = len(pool)
        return self

    def ranks(
        self, examples: Sequence[Example], barred: Sequence[Container[int]], shots: int
    ) -> Iterator[Iterator[int]]:
        return (self._rank(each) for each in barred)

    def _rank(self, barred: Container[int]) -> Iterator[int]:
        rest = (i for i in range(self._size) if i not in self._named)
        return (i for i in chain(self._named, rest) if i not in barred)

    def __repr__(self) -> str:
        return f"Fixed(ids={self.ids!r})"
