"""Selectors choose demonstrations. Each only ranks the pool; exclusion, cutting and order are done once, here."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Protocol, Self

from harness.chance import rng
from harness.errors import InputError, unknown
from harness.leak import Leak
from harness.types import Example

SELECTORS = {
    "fixed": "fixed:Fixed",
    "random": "random:Random",
    "balanced": "balanced:Balanced",
    "knn": "knn:Knn",
    "knn-balanced": "knn:KnnBalanced",
    "bm25": "bm25:Bm25",
}
ORDERS = ("ascending", "random", "as-is")


class Selector(Protocol):
    """Ranks a pool for an item. ``per_item`` says whether the ranking depends on the item."""

    name: str

    @property
    def per_item(self) -> bool: ...

    def fit(self, pool: Sequence[Example]) -> Self: ...
    def rank(self, example: Example, barred: frozenset[int]) -> Iterator[int]: ...


@dataclass(frozen=True, slots=True)
class Demos:
    """Demonstrations in prompt order, and the ids the leak check barred."""

    examples: tuple[Example, ...]
    excluded: tuple[str, ...]


def create(name: str, **params: Any) -> Selector:
    """The selector ``name``; unknown names and parameters raise InputError."""
    if name not in SELECTORS:
        raise unknown("selector", name, SELECTORS)
    module, _, cls = SELECTORS[name].partition(":")
    made: Selector = getattr(importlib.import_module(f"harness.selectors.{module}"), cls)(**params)
    return made


class Selection:
    """A fitted selector with its leak check: a pure function of (seed, example id, pool)."""

    def __init__(self, selector: Selector, pool: Sequence[Example], shots: int, order: str, seed: int) -> None:
        if order not in ORDERS:
            raise unknown("order", order, ORDERS)
        if shots > len(pool):
            raise InputError(
                f"{shots} shots asked for, but the demonstration pool has {len(pool)} examples. Ask for at most "
                f"{len(pool)}, or add training data."
            )
        self.shots, self.order, self.seed = shots, order, seed
        self.pool = tuple(sorted(pool, key=lambda e: e.id))  # the pool is a set: file order must not matter
        self.selector = selector.fit(self.pool) if shots else selector
        self.leak = Leak(self.pool) if shots else None

    def shared(self) -> tuple[Example, ...]:
        """The demonstrations of an item that bars none: what all items see where one draw serves all.

        Raises InputError where each item has its own."""
        if self.selector.per_item:
            raise InputError(
                f"the selector {self.selector.name!r} chooses demonstrations for each item, so there is no one set of "
                "them to train on. Use --selector balanced, random or fixed with one draw for all items."
            )
        return self(Example("", {}, "")).examples

    def __call__(self, example: Example) -> Demos:
        """Raises InputError where, after exclusion, the pool holds too few."""
        if self.leak is None:
            return Demos((), ())
        barred = self.leak.barred(example)
        chosen = list(islice(self.selector.rank(example, barred), self.shots))
        assert not barred.intersection(chosen)
        if len(chosen) < self.shots:
            raise InputError(
                f"example {example.id!r}: {self.shots} shots asked for, but only {len(chosen)} of the pool's "
                f"{len(self.pool)} are left once the item and its near-duplicates are excluded. Ask for fewer shots."
            )
        if self.order == "ascending":
            chosen.reverse()
        elif self.order == "random":
            # One permutation of places for all items, so that a shared draw stays a shared head.
            chosen = [chosen[j] for j in rng("order", self.seed).permutation(self.shots)]
        return Demos(tuple(self.pool[i] for i in chosen), tuple(self.pool[i].id for i in sorted(barred)))
