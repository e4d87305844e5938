"""The first of the pool, or a draw from it, in the order of its file: as another harness takes them."""

from __future__ import annotations

import random
import re
from collections.abc import Container, Iterator, Sequence
from typing import Self

from harness.errors import InputError
from harness.types import Example

SEED = 1234  # lm-evaluation-harness's own
_NUMBER = re.compile(r"(\d+)\Z")


def _place(example: Example) -> int:
    """An example's place in its file, which the id of one that has none of its own ends with."""
    found = _NUMBER.search(example.id)
    if found is None or len(found[1]) > 9:
        raise InputError(
            f"example {example.id!r}: its id does not end with its number in the file, so its place there is not "
            "known. Leave `id` out of task.yaml, or choose another --selector."
        )
    return int(found[1])


class First:
    """The first of the pool, in the order of their numbers in its file; each that is barred makes room for the next.
    Its place in a prompt is that in the file with ``--order as-is``."""

    name = "first"
    per_item = False

    def fit(self, pool: Sequence[Example]) -> Self:
        self._ordered = sorted(range(len(pool)), key=lambda i: _place(pool[i]))
        return self

    def ranks(
        self, examples: Sequence[Example], barred: Sequence[Container[int]], shots: int
    ) -> Iterator[Iterator[int]]:
        return ((i for i in self._ordered if i not in each) for each in barred)

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class Drawn(First):
    """What lm-evaluation-harness draws for an item: one stream of random numbers for the whole file, from which each
    item in its turn draws so many of the pool. An item's draw so depends on its number and on how many are drawn, and
    on no other item. One that is barred is made up for by the first of the pool that is not. Seed 0 is their own."""

    name = "lm-eval"
    per_item = True
    spare = 0

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed

    def ranks(
        self, examples: Sequence[Example], barred: Sequence[Container[int]], shots: int
    ) -> Iterator[Iterator[int]]:
        if not examples:
            return
        places = [_place(example) for example in examples]
        draws = self._draws(max(*places, 1), shots)
        for place, each in zip(places, barred, strict=True):
            drawn = draws[max(place, 1) - 1]
            rest = (i for i in self._ordered if i not in drawn)
            yield (i for i in (*drawn, *rest) if i not in each)

    def _draws(self, many: int, shots: int) -> list[list[int]]:
        stream = random.Random(SEED + self.seed)
        drawn = min(shots + self.spare, len(self._ordered))
        return [stream.sample(self._ordered, drawn)[:shots] for _ in range(many)]

    def __repr__(self) -> str:
        return f"{type(self).__name__}(seed={self.seed!r})"


class Spare(Drawn):
    """The same, one more being drawn than is shown: what it does where a task says of no split that its demonstrations
    come from there."""

    name = "lm-eval-spare"
    spare = 1
