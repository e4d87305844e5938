"""A uniform draw: one for all items of a seed, so that prompts share their head, or one for each item."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Self

from harness.chance import rng
from harness.errors import unknown
from harness.types import Example

DRAWS = ("shared", "per-item")


class Random:
    """A uniform draw. ``draw`` is ``shared`` (keyed by the seed) or ``per-item`` (keyed by seed and example id)."""

    name = "random"

    def __init__(self, seed: int = 0, draw: str = "shared") -> None:
        if draw not in DRAWS:
            raise unknown("draw", draw, DRAWS)
        self.seed, self.draw = seed, draw

    @property
    def per_item(self) -> bool:
        return self.draw == "per-item"

    def fit(self, pool: Sequence[Example]) -> Self:
        self._pool = tuple(pool)
        self._shared = self._shuffle("shared")
        return self

    def _shuffle(self, key: str) -> list[int]:
        return [int(i) for i in rng("draw", self.seed, key).permutation(len(self._pool))]

    def _ranking(self, example: Example) -> list[int]:
        return self._shared if self.draw == "shared" else self._shuffle(f"item {example.id}")

    def rank(self, example: Example, barred: frozenset[int]) -> Iterator[int]:
        return (i for i in self._ranking(example) if i not in barred)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(seed={self.seed!r}, draw={self.draw!r})"
