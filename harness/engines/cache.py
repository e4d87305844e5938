"""What rows that are written side by side see: the keys and values of their prompts and of what is written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer

from harness.engines.network import Kept, Network
from harness.engines.row import Row

GROUP = 8  # rows that see one set of columns: more read what they share fewer times, and look at more that they do not
STEPS = 32  # tokens of a row for which columns are free
IDLE = 8  # one row in so many has ended: the others are grouped anew


class Groups:
    """Rows in groups of about ``GROUP`` neighbours. A group has one set of columns, the trie of its rows, so that what
    they share is kept once, and a row sees its own path through it. Each step adds a column for each row.
    ``columns`` are what the rows' paths name: column c of group g is number g * (columns of a group) + c. ``most`` is
    how many tokens any row may need."""

    def __init__(self, network: Network, columns: Kept, rows: Sequence[Row], most: int) -> None:
        self._network, self.rows = network, list(rows)
        count = -(-len(rows) // GROUP)
        self._width = -(-len(rows) // count)
        self._begun, self._steps, self._taken = 0, min(most, STEPS), 0
        seen = [self._union(rows[start : start + self._width]) for start in range(0, len(rows), self._width)]
        self._begun = max(map(len, seen))
        self._size = self._begun + self._steps * self._width
        places = torch.tensor([[*union, *[0] * (self._begun - len(union))] for union in seen], device=network.device)
        with torch.inference_mode():
            self._mask = self._seeing(seen)
            layers = [[self._gathered(each, places) for each in layer] for layer in columns]
        self._cache = DynamicCache()
        self._cache.layers = [_Layer(keys, values, self._begun) for keys, values in layers]

    @staticmethod
    def _union(rows: Sequence[Row]) -> dict[int, int]:
        """The columns that ``rows`` see, each once, with its place."""
        return {column: place for place, column in enumerate(dict.fromkeys(c for row in rows for c in row.path))}

    def _gathered(self, kept: Any, places: Any) -> Any:
        """The columns ``places`` (groups, columns) of ``kept``, with room for those to come."""
        before = kept.shape[-2]
        found = kept.transpose(1, 2)[places // before, places % before]  # groups, columns, heads, size
        made = found.new_empty(len(places), kept.shape[1], self._size, kept.shape[-1])
        made[:, :, : self._begun] = found.transpose(1, 2)
        return made

    def _seeing(self, seen: Sequence[dict[int, int]]) -> Any:
        """The additive mask (groups, 1, rows, columns) of all steps; paths are renamed as the columns are."""
        least = torch.finfo(self._network.dtype).min
        mask = torch.full((len(seen), self._width, self._size), least, dtype=self._network.dtype)
        for slot in range(self._width):
            mask[:, slot, self._begun + slot :: self._width] = 0
        for number, row in enumerate(self.rows):
            group, slot = divmod(number, self._width)
            places = [seen[group][column] for column in row.path]
            mask[group, slot, places] = 0
            row.path = [group * self._size + place for place in places]
        return mask[:, None].to(self._network.device)

    @property
    def columns(self) -> Kept:
        """What is kept of the rows, as their paths name it."""
        return [(layer.keys, layer.values) for layer in self._cache.layers]

    @property
    def stale(self) -> bool:
        """Whether the rows that go on had better be grouped anew: no column is free, or too many rows have ended."""
        idle = sum(row.ended for row in self.rows)
        return self._taken == self._steps or idle * IDLE >= len(self.rows)

    def step(self) -> Any:
        """The logits (rows, vocabulary) after the last token of each row. Those that have ended are fed what means
        nothing."""
        slots = len(self._mask) * self._width
        ids, positions = [0] * slots, [0] * slots
        first = self._begun + self._taken * self._width
        for number, row in enumerate(self.rows):
            if not row.ended:
                ids[number], positions[number] = row.made[-1], len(row.path)
                group, slot = divmod(number, self._width)
                row.path.append(group * self._size + first + slot)
        self._taken += 1
        shape, device = (-1, self._width), self._network.device
        with torch.inference_mode():
            logits = self._network.step(
                torch.tensor(ids, device=device).view(shape),
                self._cache,
                self._mask[..., : first + self._width],
                torch.tensor(positions, device=device).view(shape),
            )
            return logits.flatten(0, 1)[: len(self.rows)]


def stacked(rows: Sequence[Any]) -> Any:
    """Logits (vocabulary) of some rows as one tensor."""
    with torch.inference_mode():
        return torch.stack(list(rows))


class _Layer(DynamicLayer):  # type: ignore[misc]
    """A layer's keys and values, written in place: to join them at each step would copy all that is kept."""

    def __init__(self, keys: Any, values: Any, used: int) -> None:
        super().__init__()
        self.lazy_initialization(keys, values)
        self.keys, self.values, self._used = keys, values, used

    def update(self, key_states: Any, value_states: Any, *args: Any, **params: Any) -> tuple[Any, Any]:
        first, self._used = self._used, self._used + key_states.shape[-2]
        self.keys[:, :, first : self._used] = key_states
        self.values[:, :, first : self._used] = value_states
        return self.keys[:, :, : self._used], self.values[:, :, : self._used]

    def get_seq_length(self) -> int:
        return self._used
