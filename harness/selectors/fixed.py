"""The same demonstrations for every item: named by id, or the first of the pool."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
        named = [place[name] for name in self.ids]
        self._ranking = [*named, *(i for i in range(len(pool)) if i not in set(named))]
        return self

    def rank(self, example: Example, barred: frozenset[int]) -> Iterator[int]:
        return (i for i in self._ranking if i not in barred)

    def __repr__(self) -> str:
        return f"Fixed(ids={self.ids!r})"
