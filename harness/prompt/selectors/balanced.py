"""A random draw with the labels in turn, so that k demonstrations hold each label k/n times, give or take one."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import Self

from harness.chance import rng
from harness.prompt.selectors import LARGE
from harness.prompt.selectors.random import Random, shuffled
from harness.types import Example


class Balanced(Random):
    """A random draw with the labels in turn.

    Their order is drawn anew each round; a barred example's place goes to the next of its label."""

    name = "balanced"

    def fit(self, pool: Sequence[Example]) -> Self:
        super().fit(pool)
        self._labels = [example.target for example in pool]
        self._positions = by_label(self._everything, self._labels)
        self._queues = by_label(self._shared, self._labels)
        return self

    def _rank(self, example: Example, barred: Container[int]) -> Iterator[int]:
        key = f"item {example.id}" if self.draw == "per-item" else "shared"
        queues: Mapping[str, Iterable[int]] = self._own(example) if self.draw == "per-item" else self._queues
        turns = label_turns(sorted(queues), ("turns", self.seed, key))
        return in_turn({label: (i for i in queue if i not in barred) for label, queue in queues.items()}, turns)

    def _own(self, example: Example) -> Mapping[str, Iterable[int]]:
        """Each label's examples in the order drawn for ``example``: one draw of all, or, of a large pool, one a label,
        so that none walks it."""
        key = self._key(example)
        if len(self._everything) < LARGE:
            return by_label(shuffled(self._everything, key), self._labels)
        return {label: shuffled(own, (*key, label)) for label, own in self._positions.items()}


def by_label(ranking: Iterable[int], labels: Sequence[str]) -> dict[str, list[int]]:
    """Positions of ``ranking`` in its order, under the label of each."""
    queues: dict[str, list[int]] = {}
    for i in ranking:
        queues.setdefault(labels[i], []).append(i)
    return queues


def label_turns(labels: Sequence[str], key: tuple[object, ...]) -> Iterator[str]:
    """Endless rounds of all ``labels``, the order of each round drawn from ``key``."""
    draws = rng(*key)
    while True:
        yield from (labels[j] for j in draws.permutation(len(labels)))


def in_turn(queues: Mapping[str, Iterator[int]], turns: Iterator[str]) -> Iterator[int]:
    """The next of the label whose turn it is, until all ``queues`` are empty; an empty one loses its turns."""
    left = set(queues)
    while left:
        label = next(turns)
        try:
            yield next(queues[label])
        except StopIteration:
            left.discard(label)
