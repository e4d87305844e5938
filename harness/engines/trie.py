"""The least work: which sequences a run needs, how many distinct trie nodes they have, and in which order to go."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from harness.tokens import shared
from harness.types import Request, Tokens


def sequences(request: Request) -> Iterator[Tokens]:
    """What a model must process for the request. The last token of a choice is only read off, never fed."""
    if request.choices is None:
        yield request.prompt
        return
    for choice in request.choices:
        yield request.prompt + choice[:-1]


def submitted(request: Request) -> int:
    """Tokens a straightforward harness feeds: prompt and whole choice, once a choice."""
    if request.choices is None:
        return len(request.prompt)
    return sum(len(request.prompt) + len(choice) for choice in request.choices)


EMPTY: Tokens = ()


def trie_size(rows: Iterable[Tokens]) -> int:
    """Distinct non-empty prefixes of ``rows``: the nodes of their trie, each of which must be computed once.

    In sorted order a row adds exactly what it does not share with the row before it.
    """
    total, previous = 0, EMPTY
    for row in sorted(set(rows)):
        total += len(row) - shared(previous, row)
        previous = row
    return total


def nodes(requests: Iterable[Request]) -> int:
    """Distinct trie nodes of ``requests``: their ``trie_size``, without writing out each sequence of a wide label
    set."""
    return sum(len(tokens) for _, tokens, _ in branches(order(requests)))


def order(requests: Iterable[Request], known: Container[str] = ()) -> list[Request]:
    """Without repeats (by key) and without those ``known``, neighbours in the trie side by side."""
    unique = {request.key: request for request in requests if request.key not in known}
    return sorted(unique.values(), key=lambda request: request.prompt)


class Read(NamedTuple):
    """What is read off after a node of the trie: the log-probability of ``token``, which is number ``place`` of choice
    ``choice`` of request ``request``."""

    node: int
    request: int
    choice: int
    place: int
    token: int


@dataclass(frozen=True, slots=True)
class Pass:
    """Neighbouring nodes of a trie, computed in one go behind the path that leads to the first of them, which was kept.
    The columns are what was kept, then the nodes. A node sees a column that is not after it and that it descends from:
    ``ends`` is, of each column, the first node that does not any more. ``path`` are the columns to keep for the pass
    that follows."""

    tokens: list[int]
    depths: list[int]
    ends: list[int]
    path: list[int]
    reads: list[Read]


@dataclass(frozen=True, slots=True)
class Trie:
    """The nodes that some requests need, each once: ``tokens``, their ``depths`` (0: the first of a prompt),
    and what is read off after them. Parents come before children and a branch is finished before the next one begins,
    so that wherever it is cut, what comes after stands on a single path."""

    tokens: list[int] = field(default_factory=list)
    depths: list[int] = field(default_factory=list)
    reads: list[Read] = field(default_factory=list)

    @classmethod
    def of(cls, ordered: Sequence[Request]) -> Trie:
        """The trie of requests in order."""
        made = cls()
        for depth, tokens, reads in branches(ordered):
            made.tokens.extend(tokens)
            made.depths.extend(range(depth, depth + len(tokens)))
            made.reads.extend(Read(len(made.tokens) - 1, *read[1:]) for read in reads)
        return made

    def end(self, start: int, size: int) -> int:
        """Where a pass of at most ``size`` nodes from ``start`` best ends: where a branch begins, and in its second
        half the one with the shortest path to keep. A long piece of that path is a pass of its own, and so is any at
        the very start, which all that follow stand on. So whoever goes on from a later pass has little to compute
        again."""
        last = start + size
        if last >= len(self.tokens):
            return len(self.tokens)
        turns = [node for node in range(start + 1, last + 1) if self.depths[node] <= self.depths[node - 1]]
        if not turns:
            return last
        late = [node for node in turns if node > start + size // 2] or turns
        best = min(reversed(late), key=self.depths.__getitem__)
        first, depth = self.depths[start], self.depths[best]
        least = max(1, size // 4) if start else 1
        if depth - first >= least and min(self.depths[node] for node in turns if node <= best) == depth:
            return start + depth - first
        return best

    def needed(self, requests: Collection[int]) -> list[bool]:
        """Of each node, whether it is read for one of ``requests`` (by place), or leads to one that is. The first is
        always: what a pass keeps has its form from there."""
        wanted = {read.node for read in self.reads if read.request in requests}
        found, below = [False] * len(self.tokens), 0  # depth of the branch that the node must lead to
        for node in range(len(found) - 1, -1, -1):
            if node in wanted or self.depths[node] < below or node == 0:
                found[node], below = True, self.depths[node]
        return found

    def cut(self, start: int, stop: int) -> Pass:
        """The nodes from ``start`` to ``stop`` as a pass."""
        depths = self.depths[start:stop]
        kept = depths[0]
        path = list(range(kept))
        ends = [len(depths)] * (kept + len(depths))
        for node, depth in enumerate(depths):
            for column in path[depth:]:
                ends[column] = node
            path[depth:] = (kept + node,)
        if stop < len(self.depths):
            del path[self.depths[stop] :]
        first, last = (bisect_left(self.reads, (node,)) for node in (start, stop))
        reads = [Read(read.node - start, *read[1:]) for read in self.reads[first:last]]
        return Pass(self.tokens[start:stop], depths, ends, path, reads)


def branches(ordered: Iterable[Request]) -> Iterator[tuple[int, Tokens, list[Read]]]:
    """The trie of requests in order, branch by branch: how many nodes it shares with the branch before, the tokens that
    it adds, and what is read off after the last of them."""
    before = EMPTY
    for prompt, tails in _families(ordered):
        yield (depth := shared(before, prompt)), prompt[depth:], tails.pop(EMPTY)
        before, last = prompt, EMPTY
        for tail in sorted(tails):
            depth = shared(last, tail)
            yield len(prompt) + depth, tail[depth:], tails[tail]
            last = tail


def _families(ordered: Iterable[Request]) -> Iterator[tuple[Tokens, dict[Tokens, list[Read]]]]:
    """Runs of requests whose prompts start with the first one's, nearly always a single one: that prompt and, by what
    comes after it, all prefixes at which something is read."""
    prompt, tails = EMPTY, dict[Tokens, list[Read]]()
    for number, request in enumerate(ordered):
        if tails and request.prompt[: len(prompt)] != prompt:
            yield prompt, tails
            tails = {}
        if not tails:
            prompt = request.prompt
        rest = request.prompt[len(prompt) :]
        tails.setdefault(rest, [])
        for which, choice in enumerate(request.choices or ()):
            for place, token in enumerate(choice):
                read = Read(-1, number, which, place, token)
                tails.setdefault(rest + choice[:place], []).append(read)
    if tails:
        yield prompt, tails
