"""The least work: which sequences a run needs, how many distinct trie nodes they have, and in which order to go."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from os.path import commonprefix

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


def shared(a: Tokens, b: Tokens) -> int:
    """Length of the longest common prefix, by bisection: comparing slices is quick."""
    low, high = 0, min(len(a), len(b))
    if a[:high] == b[:high]:
        return high
    while low < high - 1:
        middle = (low + high) // 2
        if a[low:middle] == b[low:middle]:
            low = middle
        else:
            high = middle
    return low


def trie_size(rows: Iterable[Tokens]) -> int:
    """Distinct non-empty prefixes of ``rows``: the nodes of their trie, each of which must be computed once.

    In sorted order a row adds exactly what it does not share with the row before it.
    """
    total, previous = 0, EMPTY
    for row in sorted(set(rows)):
        total += len(row) - shared(previous, row)
        previous = row
    return total


def order(requests: Iterable[Request]) -> list[Request]:
    """Without repeats (by key), neighbours in the trie side by side."""
    unique = {request.key: request for request in requests}
    return sorted(unique.values(), key=lambda request: request.prompt)


@dataclass(frozen=True, slots=True)
class Pack:
    """Neighbouring requests computed in one pass: ``head`` is the prefix they all share; ``nodes`` are the tokens
    of their trie below it, parents first, with ``parents`` (-1: the head's last token). ``reads[r][c][j]`` is the
    node after which token j of choice c of request r is predicted."""

    requests: tuple[Request, ...]
    head: Tokens
    nodes: tuple[int, ...]
    parents: tuple[int, ...]
    reads: tuple[tuple[tuple[int, ...], ...], ...]


def packs(ordered: Sequence[Request], budget: int) -> Iterator[Pack]:
    """Cut ordered scoring requests into packs whose tries hold at most ``budget`` nodes below the head (one request
    larger than that makes a pack of its own)."""
    group: list[Request] = []
    size = 0  # of the group's whole trie, head included
    for request in ordered:
        whole = trie_size(sequences(request))
        if group:
            added = whole - shared(group[-1].prompt, request.prompt)
            # In sorted order the first and the last share what all share.
            if size + added - shared(group[0].prompt, request.prompt) <= budget:
                group.append(request)
                size += added
                continue
            yield pack(group)
        group, size = [request], whole
    if group:
        yield pack(group)


def pack(group: Sequence[Request]) -> Pack:
    """The group's shared head and the trie below it. The head always leaves one prompt token to the trie's side, so
    that every read has a node or the head's last token to stand on."""
    head = tuple(commonprefix([request.prompt for request in group]))
    index: dict[tuple[int, int], int] = {}
    nodes: list[int] = []
    parents: list[int] = []

    def walk(node: int, tokens: Iterable[int]) -> int:
        for token in tokens:
            child = index.get((node, token))
            if child is None:
                child = index[node, token] = len(nodes)
                nodes.append(token)
                parents.append(node)
            node = child
        return node

    reads = []
    for request in group:
        end = walk(-1, request.prompt[len(head) :])
        rows = []
        for choice in request.choices or ():
            row = [end]
            for token in choice[:-1]:
                row.append(walk(row[-1], (token,)))
            rows.append(tuple(row))
        reads.append(tuple(rows))
    return Pack(tuple(group), head, tuple(nodes), tuple(parents), tuple(reads))
