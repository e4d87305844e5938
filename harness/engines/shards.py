"""Shards of a study's requests: cut where neighbours share the least, near equal in work, handed out run by run."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from harness.engines import trie
from harness.tokens import shared
from harness.types import Request

PER_REPLICA = 8  # shards a replica: small enough to balance load, and to lose little with a worker
WASTE = 0.05  # share of the work that cutting finer than once a replica may add, heads being computed again
SLACK = 0.25  # of a shard's size: how far from its place a cut may move to where neighbours share less


@dataclass
class Shard:
    """Requests not answered yet, by key, and how many workers died over them."""

    requests: dict[str, Request]
    deaths: int = 0


def works(ordered: Sequence[Request]) -> list[int]:
    """What each of some ordered requests adds to be computed: trie nodes not shared with the one before, and tokens
    to be generated; at least 1."""
    found, previous = [], trie.EMPTY
    for request in ordered:
        nodes = trie.trie_size(trie.sequences(request)) - shared(previous, request.prompt)
        found.append(max(1, nodes) + (request.sampling.max_tokens if request.sampling else 0))
        previous = request.prompt
    return found


def cuts(works: Sequence[int], heads: Sequence[int], n: int) -> list[int]:
    """Places to cut a row at, for ``n`` parts or fewer: each as near to an equal share of the work as ``SLACK`` says,
    and there where the head that both sides must compute, ``heads[i]`` before place i, is the shortest."""
    ends = [0, *accumulate(works)]
    size = ends[-1] / n
    chosen: list[int] = []
    for k in range(1, n):
        ideal = k * size
        near: Sequence[int] = range(bisect_left(ends, ideal - SLACK * size), bisect_right(ends, ideal + SLACK * size))
        if not near:
            after = bisect_left(ends, ideal)
            near = [min(after - 1, after, key=lambda i: abs(ends[i] - ideal))]
        inner = [i for i in near if (chosen[-1] if chosen else 0) < i < len(works)]
        if inner:
            chosen.append(min(inner, key=lambda i: (heads[i], abs(ends[i] - ideal))))
    return chosen


def shards(ordered: Sequence[Request], replicas: int) -> list[list[Request]]:
    """``PER_REPLICA`` shards a replica, or fewer, where the heads that neighbours share are so long that computing
    them once more a shard would add more than ``WASTE`` to the work; as a rule no fewer than one a replica."""
    work = works(ordered)
    heads = [0, *(shared(a.prompt, b.prompt) for a, b in pairwise(ordered))]

    def again(places: Sequence[int]) -> int:
        return sum(heads[i] for i in places)

    places = coarse = cuts(work, heads, replicas)
    for each in range(PER_REPLICA, 1, -1):
        finer = cuts(work, heads, replicas * each)
        if again(finer) - again(coarse) <= WASTE * sum(work):
            places = finer
            break
    return [list(ordered[a:b]) for a, b in pairwise([0, *places, len(ordered)])]


class Lanes:
    """Shards waiting. Each replica has a lane of neighbouring ones and takes them in order; who has none left takes
    from the far end of the longest lane."""

    def __init__(self, shards: Sequence[Sequence[Request]], replicas: int) -> None:
        self._lanes: list[deque[Shard]] = [deque() for _ in range(replicas)]
        for i, requests in enumerate(shards):
            self._lanes[i * replicas // len(shards)].append(Shard({r.key: r for r in requests}))

    def __len__(self) -> int:
        return sum(map(len, self._lanes))

    def take(self, place: int) -> Shard | None:
        """The next shard for the replica at ``place``; None where none waits."""
        if self._lanes[place]:
            return self._lanes[place].popleft()
        longest = max(self._lanes, key=len)
        return longest.pop() if longest else None

    def put_back(self, place: int, shard: Shard) -> None:
        self._lanes[place].appendleft(shard)
