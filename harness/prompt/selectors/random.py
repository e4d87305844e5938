"""A uniform draw: one for all items of a seed, so that prompts share their head, or one for each item."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from typing import Self

from harness.chance import rng
from harness.errors import unknown
from harness.prompt.selectors import LARGE
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
        self._everything = range(len(pool))
        self._shared = list(shuffled(self._everything, ("draw", self.seed, "shared")))
        return self

    def ranks(
        self, examples: Sequence[Example], barred: Sequence[Container[int]], shots: int
    ) -> Iterator[Iterator[int]]:
        return (self._rank(example, each) for example, each in zip(examples, barred, strict=True))

    def _rank(self, example: Example, barred: Container[int]) -> Iterator[int]:
        own = self.draw == "per-item"
        ranking = shuffled(self._everything, self._key(example)) if own else self._shared
        return (i for i in ranking if i not in barred)

    def _key(self, example: Example) -> tuple[object, ...]:
        return ("draw", self.seed, f"item {example.id}")

    def __repr__(self) -> str:
        return f"{type(self).__name__}(seed={self.seed!r}, draw={self.draw!r})"


def shuffled(positions: Sequence[int], key: tuple[object, ...]) -> Iterator[int]:
    """A permutation of ``positions`` drawn by ``key``. Of a large pool's, each place is drawn when it is asked for (the
    shuffle of Fisher and Yates, of which only the places that were swapped are held)."""
    draws = rng(*key)
    if len(positions) < LARGE:
        yield from (positions[i] for i in draws.permutation(len(positions)))
        return
    moved: dict[int, int] = {}
    for i in range(len(positions)):
        j = int(draws.integers(i, len(positions)))
        place = moved.pop(j, j)
        if j != i:
            moved[j] = moved.pop(i, i)
        yield positions[place]
