"""What one row said to each item, for when an item is opened."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.kinds import Kind
from harness.page.numbers import plain
from harness.page.said import Said, demonstrated
from harness.types import Example


def answers(kind: Kind, known: Sequence[Example] | None, row: Said) -> dict[str, Any]:
    """A row's answers; ``known`` are the items with their inputs, where these are known."""
    shown = demonstrated(row)
    places = {each: [shown[name] for name in each] for each in dict.fromkeys(row.demos)}
    return {
        "raw": [text if text and text != output else None for text, output in zip(row.raw, row.outputs, strict=True)],
        "thought": [text or None for text in row.thought],
        "shown": list(shown),
        "demos": next(iter(places.values())) if len(places) == 1 else [places[each] for each in row.demos],
        "marks": None if known is None else marks(kind, known, row.outputs),
        "tokens": row.tokens if any(row.tokens) else None,
        "seconds": [plain(each) for each in row.seconds] if any(each is not None for each in row.seconds) else None,
    }


def marks(kind: Kind, known: Sequence[Example], answered: Sequence[str | None]) -> list[list[list[int | str]]] | None:
    """Where answers lie in the items' inputs; none where those of the kind lie in none."""
    found: list[list[list[int | str]]] = []
    for item, answer in zip(known, answered, strict=True):
        places = {name: place for place, name in enumerate(item.inputs)}
        held = () if answer is None else kind.marks(item, answer)
        if held is None:
            return None
        found.append([[places[mark.input], mark.start, mark.end, mark.name] for mark in held])
    return found if any(found) else None
