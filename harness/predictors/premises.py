"""Pointwise mutual information where each item has answers of its own: an item's row less that of its own premise."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from harness.types import Example, Prediction

MARK = "premise of "
Row = tuple[float, ...]
Made = Callable[[Row], Prediction]


def premise(example: Example) -> Example:
    """The item with its inputs empty, and its options as they are."""
    return replace(example, id=f"{MARK}{example.id}", inputs=dict.fromkeys(example.inputs, ""))


class Premises:
    """Rows of items and of their premises, in any order: an item's prediction is made when both are there. log p(option
    | item) - log p(option | premise), as Holtzman et al. (2021) have it, whose premise is the item's own too."""

    def __init__(self) -> None:
        self._stated: dict[str, tuple[Row, Made]] = {}
        self._without: dict[str, Row] = {}

    def take(self, example: Example, row: Row, made: Made) -> Iterator[Prediction]:
        """An item's row, and what makes a prediction of it."""
        self._stated[example.id] = row, made
        yield from self._ready(example.id)

    def learn(self, example: Example, row: Row | None) -> Iterator[Prediction]:
        """The row of a premise. None, where it has no answer, takes nothing off."""
        key = example.id.removeprefix(MARK)
        self._without[key] = row if row is not None else ()
        yield from self._ready(key)

    def _ready(self, key: str) -> Iterator[Prediction]:
        if key in self._stated and key in self._without:
            row, made = self._stated.pop(key)
            yield made(mended(row, self._without.pop(key)))


def mended(row: Sequence[float], without: Sequence[float]) -> Row:
    """``row`` less ``without``, where there is one."""
    return tuple(one - two for one, two in zip(row, without, strict=True)) if without else tuple(row)
