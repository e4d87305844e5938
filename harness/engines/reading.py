"""Prompts as they are read: their trie in passes, a batch of prompts at a time, each node computed once."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from harness.engines.network import Kept, Network
from harness.engines.room import Room
from harness.engines.trie import Trie
from harness.types import Request

MISSING = -1  # the column of a node that nobody needs


@dataclass(slots=True)
class Prompts:
    """Some prompts that were read: ``paths`` are the columns of each, by the place of its request, in what is kept in
    ``columns``, and ``logits`` are those of the first token after it."""

    columns: Kept = field(default_factory=list)
    paths: dict[int, list[int]] = field(default_factory=dict)
    logits: dict[int, Any] = field(default_factory=dict)


class Reading:
    """The prompts of requests in order, of which those ``waiting`` (by place) are read. Passes are cut over all, and
    those that nobody needs are left out, as in scoring. ``computed`` counts the nodes that went through the network."""

    def __init__(self, network: Network, ordered: Sequence[Request], waiting: Collection[int], room: Room) -> None:
        # A choice of one token is read off after the prompt, and adds no node.
        self._trie = Trie.of([replace(each, choices=((0,),), sampling=None) for each in ordered])
        self._ends = [0] * len(ordered)
        self._ending: dict[int, list[int]] = {}
        for read in self._trie.reads:
            self._ends[read.request] = read.node
            self._ending.setdefault(read.node, []).append(read.request)
        self._needed = self._trie.needed(waiting)
        self._network, self._room = network, room
        self._from: tuple[Kept, int] = [], 0  # the path to a node that the batch at work comes after, and that node
        self._next = self._from
        self.computed = 0

    def batch(self, first: int, last: int) -> Prompts:
        """The prompts of requests ``first`` to ``last``, which follow those of the batch before. Raises what the
        network raises where memory runs out for a single node; the batch can then be tried anew, or a smaller one."""
        start, stop = (self._ends[place - 1] + 1 if place else 0 for place in (first, last))
        read = Prompts()
        if not any(self._needed[start:stop]):
            return read
        kept, at = self._moved(*self._from, start), start
        pieces, count = [kept], self._trie.depths[start]
        path = list(range(count))
        while start < stop:
            end = min(self._trie.end(start, self._room.size), stop)
            if any(self._needed[start:end]):
                kept, at, taken = self._moved(kept, at, start), start, end - start
                part = self._trie.cut(start, end)
                compute = partial(self._network.read, part, kept)
                done = compute() if taken == 1 else self._room.attempt(compute, taken, least=False)
                if done is None:
                    continue
                logits, own, kept = done
                at = end
                self.computed += taken
                read.logits.update((each.request, logits[each.node]) for each in part.reads)
                read.paths.update(self._paths(path, start, range(count, count + taken)))
                pieces.append(own)
                count += taken
            else:
                dict(self._paths(path, start, [MISSING] * (end - start)))
            start = end
        read.columns = self._network.joined(pieces)
        self._next = kept, at
        return read

    def finish(self) -> None:
        """The batch at work is written: another one follows it."""
        self._from = self._next

    def _moved(self, kept: Kept, at: int, node: int) -> Kept:
        """The path to ``node``, from the one to the earlier ``at``, which is ``kept``."""
        depths = self._trie.depths
        return self._network.moved(kept, min(depths[at : node + 1]), depths[node])

    def _paths(self, path: list[int], start: int, columns: Sequence[int]) -> Iterator[tuple[int, list[int]]]:
        """Lead ``path`` over the nodes from ``start`` on, which are ``columns``; gives those of the prompts that end
        there."""
        for node, column in enumerate(columns, start):
            path[self._trie.depths[node] :] = (column,)
            for request in self._ending.get(node, ()):
                yield request, path.copy()
