"""Which requests read every token of an item's choices: each token once, in as few runs over the prompt as can be."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from harness.types import Tokens

IDS_PER_REQUEST = 128  # vLLM's limit for logprob_token_ids


@dataclass(frozen=True, slots=True)
class Branch:
    """One run down the trie of the choices. The first ``start`` tokens of ``path`` are fed with the prompt, then the
    model is made to say the others; ``ids`` are asked for at every step besides the token said. ``reads`` are the
    beginnings of choices whose last token is read here."""

    path: Tokens
    start: int
    ids: tuple[int, ...]
    reads: tuple[Tokens, ...]


def branches(choices: Iterable[Tokens], width: int) -> list[Branch]:
    """The runs that read all ``choices``, asking for at most ``width`` ids each.

    A run computes the prompt's last, incomplete block again, and then its own tokens, whether they are fed or said. So
    one that goes down to a leaf reads everything beside its way, and it starts below what others have read. Each
    run but those at the root can be charged to a choice of its own that is at least as long, and those at the root are
    as many as the choices of one token need: that never computes more than a request for each choice would.
    """
    unread: dict[Tokens, dict[int, None]] = {}
    for choice in sorted(set(choices)):
        for depth, token in enumerate(choice):
            unread.setdefault(choice[:depth], {})[token] = None
    made = []
    for node in sorted(unread, key=lambda node: (-len(node), node)):
        while unread[node]:
            made.append(_down_to(node, unread, width))
    return sorted(made, key=lambda branch: branch.path[: branch.start])


def _down_to(node: Tokens, unread: dict[Tokens, dict[int, None]], width: int) -> Branch:
    """The run from the root to ``node``, which takes from ``unread`` what it reads, the deepest first: what is
    further up lies on the way of others too."""
    path = (*node, next(iter(unread[node])))
    ids: dict[int, None] = {}
    reads = []
    for depth in range(len(node), -1, -1):
        here = unread[path[:depth]]
        for token in list(here):
            if token != path[depth] and token not in ids:
                if len(ids) == width:
                    continue
                ids[token] = None
            del here[token]
            reads.append((*path[:depth], token))
    return Branch(path, min(map(len, reads)) - 1, tuple(ids), tuple(reads))
