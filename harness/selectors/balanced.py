"""A random draw with the labels in turn, so that k demonstrations hold each label k/n times, give or take one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.chance import rng
from harness.selectors.random import Random
from harness.types import Example


class Balanced(Random):
    """A random draw with the labels in turn.

    Their order is drawn anew each round; a barred example's place goes to the next of its label."""

    name = "balanced"

    def rank(self, example: Example, barred: frozenset[int]) -> Iterator[int]:
        key = "shared" if self.draw == "shared" else f"item {example.id}"
        allowed = [i for i in self._ranking(example) if i not in barred]
        return take_turns(allowed, self._pool, ("turns", self.seed, key))


def take_turns(ranking: Sequence[int], pool: Sequence[Example], key: tuple[object, ...]) -> Iterator[int]:
    """Positions of ``ranking``, one label after the other; the turn order is drawn for each round from ``key``."""
    queues: dict[str, list[int]] = {}
    for i in reversed(ranking):
        queues.setdefault(pool[i].target, []).append(i)
    labels, draws = sorted(queues), rng(*key)
    while any(queues.values()):
        for j in draws.permutation(len(labels)):
            if queue := queues[labels[j]]:
                yield queue.pop()
