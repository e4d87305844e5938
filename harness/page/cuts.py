"""The ways to cut a table's items into parts: by label, by tag, by length, by demonstrations, by document."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from harness.kinds import Kind
from harness.page.given import Given
from harness.page.said import Said
from harness.types import Example

MOST = 40  # parts of a cut
DOCUMENTS = 20  # of the largest documents
OTHERS = "others"
Places = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Cut:
    """Parts of the items: of each its name and the places of its items."""

    by: str
    parts: Mapping[str, Places]

    def of_items(self, n: int) -> list[int | list[int]]:
        """Each item's part, or parts where it is of several; -1 where it is of none."""
        held: list[list[int]] = [[] for _ in range(n)]
        for part, places in enumerate(self.parts.values()):
            for place in places.tolist():
                held[place].append(part)
        return [each[0] if len(each) == 1 else each or -1 for each in held]


def cuts(kind: Kind, items: Sequence[Example], given: Given, rows: Mapping[str, Said]) -> list[Cut]:
    """All cuts that these items have; ``rows`` are by their label."""
    made = [_cut("label" if kind.outputs else "class", [kind.classes(e.target) for e in items], kind.members)]
    for tag in dict.fromkeys(tag for item in items for tag in item.tags):
        values = [[item.tags[tag]] if tag in item.tags else [] for item in items]
        made.append(_cut(tag if tag not in {cut.by for cut in made} else f"tag {tag}", values))
    if given.items is not None:
        made.append(_lengths([len(kind.passage(item)) for item in given.items]))
    for label, row in rows.items():
        made.append(_cut(f"demonstrations with its label, {label}", _like(kind, items, given.demos, row)))
    made.append(_cut("document", [[] if e.cluster is None else [e.cluster] for e in items], most=DOCUMENTS))
    return [cut for cut in made if len(cut.parts) > 1]


def _cut(by: str, values: Sequence[Sequence[str]], order: Iterable[str] = (), most: int = MOST) -> Cut:
    """By the values that each item has: the ``most`` frequent ones, in ``order`` where it has them, else numbers as
    numbers and names by how many have them. What is left is one part."""
    held: dict[str, list[int]] = {name: [] for name in order}
    for place, each in enumerate(values):
        for value in each:
            held.setdefault(value, []).append(place)
    held = {name: places for name, places in held.items() if places}
    if not order:
        numbers = all(math.isfinite(_number(name)) for name in held)
        held = dict(sorted(held.items(), key=lambda part: (_number(part[0]) if numbers else -len(part[1]), part[0])))
    if len(held) > most:
        counts = Counter({name: len(places) for name, places in held.items()})
        kept = {name for name, _ in counts.most_common(most)}
        rest = sorted({place for name, places in held.items() if name not in kept for place in places})
        held = {name: places for name, places in held.items() if name in kept}
        name = OTHERS
        while name in held:
            name = f"({name})"
        held[name] = rest
    return Cut(by, {name: np.array(places, np.int64) for name, places in held.items()})


def _number(text: str) -> float:
    """A name as a number; NaN where it is none."""
    try:
        return float(text)
    except ValueError:
        return math.nan


def _lengths(characters: Sequence[int]) -> Cut:
    """By quartiles of the passages' lengths."""
    found = np.array(characters)
    edges = sorted({int(edge) for edge in np.quantile(found, [0.25, 0.5, 0.75], method="lower")} - {int(found.max())})
    names = [f"up to {edges[0]:,} characters"] if edges else []
    names += [f"{low + 1:,} to {high:,} characters" for low, high in pairwise(edges)]
    names += [f"over {edges[-1]:,} characters" if edges else "all"]
    which = np.searchsorted(edges, found)
    return Cut("length", {name: np.flatnonzero(which == part) for part, name in enumerate(names)})


def _like(kind: Kind, items: Sequence[Example], demos: Mapping[str, Example], row: Said) -> list[list[str]]:
    """How many of the demonstrations that each item was shown have a class that it has itself; nothing where all were
    shown the same ones, or where that is not known."""
    shown = set(row.demos)
    if len(shown) < 2 or not kind.members or any(name not in demos for each in shown for name in each):
        return []
    classes = {name: set(kind.classes(demos[name].target)) for each in shown for name in each}
    counted = (
        sum(not classes[name].isdisjoint(kind.classes(item.target)) for name in each)
        for item, each in zip(items, row.demos, strict=True)
    )
    return [[str(many)] for many in counted]
