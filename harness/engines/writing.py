"""Texts as they are written: after prompts that were read, many side by side, each until it has ended."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Sequence
from functools import partial
from typing import Any, TypeAlias

from harness.engines.endings import Ending
from harness.engines.network import Network
from harness.engines.reading import MISSING, Prompts, Reading
from harness.engines.room import Room
from harness.engines.row import Row, going
from harness.types import Answer, Request, Sampling

LIKELIEST = 50  # tokens that one is drawn of, as in transformers

Choose: TypeAlias = Callable[[Any], list[int]]
"""The next token of each row, from logits (rows, vocabulary)."""


class Writing:
    """The answers to requests in order, of which those ``known`` are not asked again. ``rows`` has room for texts side
    by side, ``nodes`` for a pass over their prompts.

    A batch is read as a trie; then its greedy texts are written together, and those that are drawn alone, each under
    its own seed. Batches are cut over all requests, and whoever has not ended keeps the company that it had, known or
    not: going on, each answer is the same to the bit (on a CPU)."""

    def __init__(
        self, network: Network, tokenizer: Any, ordered: Sequence[Request], known: Container[str], rows: Room
    ) -> None:
        self._network, self._ordered, self._known, self._rows = network, ordered, known, rows
        final = network.final | ({tokenizer.eos_token_id} - {None})
        self._endings = [Ending.of(request, tokenizer, final) for request in ordered]

    def answers(self, nodes: Room) -> Iterator[Answer]:
        """Batch by batch. What was computed since the answer before, the first one that comes after carries."""
        waiting = {place for first, last in self._batches() for place in self._company(first, last)}
        reading = Reading(self._network, self._ordered, waiting, nodes)
        start = told = 0
        while start < len(self._ordered):
            stop, size = self._end(start), self._rows.size
            write = partial(self._written, reading, start, stop, waiting)
            made = self._rows.attempt(write, min(size, stop - start), least=size == 1 or stop - start == 1)
            if made is None:
                continue
            reading.finish()
            start = stop
            for place, row in made.items():
                if self._ordered[place].key not in self._known:
                    yield self._endings[place].answer(row, reading.computed - told)
                    told = reading.computed

    def _end(self, start: int) -> int:
        """Where the batch from ``start`` on ends. What follows the same prompt is of the same batch."""
        end = min(start + self._rows.size, len(self._ordered))
        while end < len(self._ordered) and self._ordered[end].prompt == self._ordered[end - 1].prompt:
            end += 1
        return end

    def _batches(self) -> Iterator[tuple[int, int]]:
        start = 0
        while start < len(self._ordered):
            yield start, (end := self._end(start))
            start = end

    def _groups(self, first: int, last: int) -> Iterator[list[int]]:
        """The requests of a batch that are written together."""
        greedy = [place for place in range(first, last) if not self._endings[place].how.temperature]
        for start in range(0, len(greedy), self._rows.size):
            yield greedy[start : start + self._rows.size]
        yield from ([place] for place in range(first, last) if self._endings[place].how.temperature)

    def _company(self, first: int, last: int) -> Iterator[int]:
        """The requests of a batch that must be written: those not known, and whom these are written with."""
        for group in self._groups(first, last):
            if any(self._ordered[place].key not in self._known for place in group):
                yield from group

    def _written(self, reading: Reading, first: int, last: int, waiting: Container[int]) -> dict[int, list[int]]:
        """The tokens written after prompts ``first`` to ``last``, by place, where they are ``waiting``."""
        read = reading.batch(first, last)
        made: dict[int, list[int]] = {}
        for group in self._groups(first, last):
            places = [place for place in group if place in waiting]
            if places:
                made.update(zip(places, self._texts(read, places), strict=True))
        return dict(sorted(made.items()))

    def _texts(self, read: Prompts, places: Sequence[int]) -> list[list[int]]:
        """The tokens written after some prompts that were read, all of them together."""
        from harness.engines.cache import Groups, stacked

        rows = [Row(self._endings[place], read.paths[place]) for place in places]
        assert not any(MISSING in row.path for row in rows)
        choose = _drawn(rows[0].ending.how, self._network) if rows[0].ending.how.temperature else _likeliest
        _take(rows, choose(stacked([read.logits[place] for place in places])))
        columns, groups = read.columns, None
        while left := going(rows):
            if groups is None or groups.stale:
                groups = Groups(self._network, columns, left, max(row.left for row in left))
            _take(groups.rows, choose(groups.step()))
            columns = groups.columns
        return [row.made for row in rows]


def _take(rows: Sequence[Row], tokens: Sequence[int]) -> None:
    """Write the next token of each row that has not ended."""
    for row, token in zip(rows, tokens, strict=True):
        if not row.ended:
            row.take(token)


def _likeliest(logits: Any) -> list[int]:
    found: list[int] = logits.argmax(-1).tolist()
    return found


def _drawn(how: Sampling, network: Network) -> Choose:
    """Tokens at random under the seed, as transformers draws them."""
    import torch

    generator = torch.Generator(network.device).manual_seed(how.seed)

    def choose(logits: Any) -> list[int]:
        heated = logits.float() / how.temperature
        least = heated.topk(min(LIKELIEST, heated.shape[-1])).values[:, -1:]
        chances = heated.masked_fill(heated < least, -torch.inf).softmax(-1)
        found: list[int] = torch.multinomial(chances, 1, generator=generator)[:, 0].tolist()
        return found

    return choose
