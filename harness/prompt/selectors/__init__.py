"""Selectors choose demonstrations. Each only ranks the pool; exclusion, cutting and order are done once, here."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Protocol, Self

from harness.chance import rng
from harness.errors import InputError, unknown
from harness.plugins import Table
from harness.prompt.leak import Barred, Leak
from harness.types import Example

SELECTORS = Table(
    "selector",
    "harness.prompt.selectors",
    "harness.selectors",
    {
        "fixed": "fixed:Fixed",
        "random": "random:Random",
        "balanced": "balanced:Balanced",
        "knn": "knn:Knn",
        "knn-balanced": "knn:KnnBalanced",
        "bm25": "bm25:Bm25",
        "mmr": "mmr:Mmr",
        "dpp": "dpp:Dpp",
        "vote-k": "votek:VoteK",
        "set-bsr": "setbsr:SetBsr",
        "l2d": "l2d:L2d",
        "first": "first:First",
        "lm-eval": "first:Drawn",
        "lm-eval-spare": "first:Spare",
    },
)
ORDERS = ("ascending", "random", "as-is")
LARGE = 20_000  # examples from which a pool's indexes are kept on disk, and no item may walk it


class Selector(Protocol):
    """Ranks a pool for items. ``per_item`` says whether the ranking depends on the item.

    ``ranks`` gives one iterator of positions for each example, those in its ``barred`` left out. It looks no further
    than it is asked to; ``shots`` tells how many will be taken of most. An item's ranking does not depend on the items
    that it comes with."""

    name: str

    @property
    def per_item(self) -> bool: ...

    def fit(self, pool: Sequence[Example]) -> Self: ...
    def ranks(
        self, examples: Sequence[Example], barred: Sequence[Container[int]], shots: int
    ) -> Iterator[Iterator[int]]: ...


@dataclass(frozen=True, slots=True)
class Demos:
    """Demonstrations in prompt order, and the ids of those that stood in the way: barred by the leak check where they
    would have been chosen."""

    examples: tuple[Example, ...]
    excluded: tuple[str, ...]


def permutation(order: str) -> tuple[int, ...]:
    """The places that ``order`` gives, each once; none where it is no permutation.

    >>> permutation("2-0-1"), permutation("2-0-2"), permutation("random")
    ((2, 0, 1), (), ())
    """
    parts = order.split("-")
    places = tuple(int(part) for part in parts if part.isascii() and part.isdigit())
    return places if len(places) == len(parts) and sorted(places) == list(range(len(places))) else ()


def create(name: str, **params: Any) -> Selector:
    """The selector ``name``; unknown names and parameters raise InputError."""
    made: Selector = SELECTORS.find(name)(**params)
    return made


class Selection:
    """A fitted selector with its leak check: a pure function of (seed, example id, pool). ``order`` is one of
    ``ORDERS``, or a permutation such as ``2-0-1``: the third demonstration of the ranking first, then the first."""

    def __init__(self, selector: Selector, pool: Sequence[Example], shots: int, order: str, seed: int) -> None:
        self._places = permutation(order)
        if order not in ORDERS and not self._places:
            raise unknown("order", order, ORDERS)
        if self._places and len(self._places) != shots:
            raise InputError(f"the order {order} is one of {len(self._places)} demonstrations, but {shots} are shown.")
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
        """The demonstrations of one example."""
        return self.all([example])[0]

    def all(self, examples: Sequence[Example]) -> list[Demos]:
        """The demonstrations of each example; many at once cost less than one by one, and are the same.

        Raises InputError where, after exclusion, the pool holds too few."""
        if self.leak is None:
            return [Demos((), ())] * len(examples)
        barred = [self.leak.barred(example) for example in examples]
        rankings = self.selector.ranks(examples, barred, self.shots)
        return [self._take(each, ranking) for each, ranking in zip(barred, rankings, strict=True)]

    def _take(self, barred: Barred, ranking: Iterator[int]) -> Demos:
        chosen = list(islice(ranking, self.shots))
        assert not barred.met.intersection(chosen)
        if len(chosen) < self.shots:
            raise InputError(
                f"example {barred.example.id!r}: {self.shots} shots asked for, but only {len(chosen)} of the pool's "
                f"{len(self.pool)} are left once the item and its near-duplicates are excluded. Ask for fewer shots."
            )
        if self._places:
            chosen = [chosen[place] for place in self._places]
        elif self.order == "ascending":
            chosen.reverse()
        elif self.order == "random":
            # One permutation of places for all items, so that a shared draw stays a shared head.
            chosen = [chosen[j] for j in rng("order", self.seed).permutation(self.shots)]
        return Demos(tuple(self.pool[i] for i in chosen), tuple(self.pool[i].id for i in sorted(barred.met)))
