"""What each of several prompts owes for work that was done for all of them at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import accumulate

from harness.engines import trie
from harness.tokens import shared
from harness.types import Answer, Request, Tokens, Usage


class Costs:
    """The bill of ``n`` prompts. A token that serves several requests is shared among them in equal parts, and a
    request among the prompts, in proportion to the items that they ask it for. What an engine computes besides the
    distinct tokens, and what it finds in a cache of its own, is shared in the same proportion."""

    def __init__(self, n: int) -> None:
        self._submitted, self._generated, self._weights = [0] * n, [0.0] * n, [0.0] * n
        self._retries = [0.0] * n
        self._pooled = 0

    def charge(self, answer: Answer, asking: Sequence[int], share: float | None) -> None:
        """Add an answer that so many items of each prompt ask for. ``share`` is what its request owes in what is
        computed together; None where it is not known: it bears its own."""
        usage, items = answer.usage, sum(asking)
        self._pooled += usage.computed
        weight = usage.computed if share is None else share if usage.submitted else 0.0
        for place, count in enumerate(asking):
            part = count / items
            self._submitted[place] += usage.submitted * count
            self._generated[place] += usage.generated * part
            self._weights[place] += weight * part
            self._retries[place] += usage.retries * part

    def usages(self) -> list[Usage]:
        """What each prompt owes, in whole tokens, which add up to what was computed and generated."""
        rate = self._pooled / (sum(self._weights) or 1.0)
        computed = [rate * weight for weight in self._weights]
        return list(map(Usage, self._submitted, whole(computed), whole(self._generated), whole(self._retries)))


def whole(amounts: Sequence[float]) -> list[int]:
    """Whole numbers near ``amounts`` that add up to what these do, rounded: of what is left when all are rounded down,
    the largest remainders get one each."""
    floors = [int(amount + 1e-6) for amount in amounts]  # 6.9999999 is 7 that was added up
    left = round(sum(amounts)) - sum(floors)
    for place in sorted(range(len(amounts)), key=lambda place: floors[place] - amounts[place])[:left]:
        floors[place] += 1
    return floors


def shares(requests: Iterable[Request]) -> dict[str, float]:
    """What each of ``requests`` owes, by key, if each node of their trie costs 1 and is paid in equal parts by all that
    need it."""
    ordered = trie.order(requests)
    by_prompt: dict[Tokens, list[Request]] = {}
    for request in ordered:
        by_prompt.setdefault(request.prompt, []).append(request)
    found: dict[str, float] = {}
    heads = _heads(list(by_prompt), [len(alike) for alike in by_prompt.values()])
    for alike, head in zip(by_prompt.values(), heads, strict=True):
        tails = [{choice[:end] for choice in r.choices or () for end in range(1, len(choice))} for r in alike]
        takers = Counter(tail for each in tails for tail in each)
        for request, each in zip(alike, tails, strict=True):
            found[request.key] = head + sum(1 / takers[tail] for tail in each)
    return found


def _heads(prompts: Sequence[Tokens], counts: Sequence[int]) -> list[float]:
    """What a request of each of some sorted prompts owes for the prompt, ``counts`` being the requests of each. A piece
    of a prompt is paid when the last prompt with it is past."""
    before = [0, *accumulate(counts)]
    steps = [0.0] * (len(prompts) + 1)
    open_: list[tuple[int, int, int]] = []  # pieces: from which depth, up to which, since which prompt

    def close(depth: int, now: int) -> None:
        while open_ and open_[-1][1] > depth:
            top, bottom, since = open_.pop()
            if top < depth:
                open_.append((top, depth, since))
            cost = (bottom - max(top, depth)) / (before[now] - before[since])
            steps[since] += cost
            steps[now] -= cost

    previous = trie.EMPTY
    for now, prompt in enumerate(prompts):
        depth = shared(previous, prompt)
        close(depth, now)
        open_.append((depth, len(prompt), now))
        previous = prompt
    close(0, len(prompts))
    return list(accumulate(steps[:-1]))
