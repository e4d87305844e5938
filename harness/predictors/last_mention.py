"""The value of each slot that a dialogue mentions last."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from typing import Self

from harness.kinds.alignment import occurrences
from harness.predictors.simple import Simple
from harness.types import Example


class LastMention(Simple):
    """For each slot the value that the dialogue mentions last, of those that the training split has for it; of values
    that end together, the longest."""

    name = "last-mention"

    def fit(self, train: Sequence[Example], dev: Sequence[Example] = ()) -> Self:
        found: dict[str, set[str]] = defaultdict(set)
        for example in train:
            for slot, value in json.loads(example.target).items():
                found[slot].update([value] if isinstance(value, str) else value)
        self._values = {slot: sorted(values) for slot, values in sorted(found.items())}
        return self

    def answer(self, example: Example) -> str | None:
        text = self.kind.passage(example)
        state = {}
        for slot, values in self._values.items():
            # The end first: of "Green Park" and "Park" the longer is meant.
            places = [(end, start - end, value) for value in values for start, end in _whole(value, text)]
            if places:
                state[slot] = max(places, key=lambda place: (place[0], -place[1]))[2]
        return json.dumps(state, ensure_ascii=False, sort_keys=True)


def _whole(value: str, text: str) -> list[tuple[int, int]]:
    """Where a value stands as whole words; in a script without spaces, anywhere."""
    found = []
    for start, end in occurrences(value, text):
        left, right = text[start - 1 : start], text[end : end + 1]
        parted = all(not (side.isascii() and side.isalnum()) for side in (left, right))
        if parted:
            found.append((start, end))
    return found
