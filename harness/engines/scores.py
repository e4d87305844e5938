"""Choices' log-probabilities as they come in, token by token in any order, until an answer is whole."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence

from harness.engines import trie
from harness.types import Answer, Request, Usage


class Scores:
    """What is known of the answers to ``requests``, which reads name by their place in it. Those ``known`` are not
    answered again. ``waiting`` are the places of the others."""

    def __init__(self, requests: Sequence[Request], known: Container[str] = ()) -> None:
        self._requests = requests
        self.waiting = {place for place, request in enumerate(requests) if request.key not in known}
        self._open: dict[int, tuple[list[list[float]], int]] = {}
        self._computed = 0

    def fill(self, reads: Sequence[trie.Read], values: Sequence[float], computed: int) -> Iterator[Answer]:
        """The answers that ``values``, read at the cost of ``computed`` tokens, make whole. Requests share what is
        computed; the first answer that comes after carries the count."""
        self._computed += computed
        for read, value in zip(reads, values, strict=True):
            if read.request not in self.waiting:
                continue
            request = self._requests[read.request]
            assert request.choices is not None
            if read.request in self._open:
                found, left = self._open[read.request]
            else:
                found, left = [[0.0] * len(choice) for choice in request.choices], sum(map(len, request.choices))
            found[read.choice][read.place] = value
            self._open[read.request] = found, left - 1
            if left == 1:
                del self._open[read.request]
                self.waiting.discard(read.request)
                usage = Usage(trie.submitted(request), self._computed)
                self._computed = 0
                yield Answer(request.key, choice_logprobs=tuple(map(tuple, found)), usage=usage)
