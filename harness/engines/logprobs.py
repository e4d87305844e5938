"""Log-probabilities of choices out of a completions endpoint: what to ask for, and how to read what comes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.engines.branches import IDS_PER_REQUEST
from harness.engines.reply import chosen
from harness.types import Tokens

NEVER = -9999.0  # how JSON says minus infinity
ROUNDING = 1e-3  # that a log-probability may lie above 0
ECHO = {"max_tokens": 1, "temperature": 0.0, "logprobs": 1, "echo": True}

Step = tuple[int, Mapping[int, float]]
"""The token that was said, and log-probabilities by token."""


@dataclass
class Reading:
    """What is known of some choices: ``wanted`` are the tokens that may follow each beginning of one, ``found`` the
    log-probability of each beginning's last token.

    A request that may say tokens of the choices only, and returns the log-probabilities of all of them at each step,
    tells everything about the choices it happens to walk along; what lies aside is asked from there on."""

    wanted: dict[Tokens, set[int]]
    found: dict[Tokens, float] = field(default_factory=dict)

    @classmethod
    def of(cls, choices: Iterable[Tokens]) -> Reading:
        wanted: dict[Tokens, set[int]] = {}
        for choice in choices:
            for i, token in enumerate(choice):
                wanted.setdefault(choice[:i], set()).add(token)
        return cls(wanted)

    def questions(self) -> Iterator[tuple[Tokens, Mapping[str, Any]]]:
        """The beginnings to ask from, and what each request says. The answer to one must be taken before the next."""
        for node in sorted(self.wanted):
            if all((*node, token) in self.found for token in self.wanted[node]):
                continue
            below = [other for other in self.wanted if other[: len(node)] == node]
            ids = sorted({token for other in below for token in self.wanted[other]})
            longest = max(map(len, below)) + 1 - len(node)
            if len(ids) > IDS_PER_REQUEST:
                ids, longest = sorted(self.wanted[node]), 1
            for start in range(0, len(ids), IDS_PER_REQUEST):
                yield node, by_ids(ids[start : start + IDS_PER_REQUEST], longest)

    def take(self, node: Tokens, fields: Mapping[str, Any], said: Mapping[str, Any]) -> None:
        """Keep what an answer to the question ``fields`` from ``node`` on tells, as far as it goes along the choices.
        Raises KeyError where it does not tell what follows ``node``."""
        told = steps(said)
        for token in self.wanted[node].intersection(fields["logprob_token_ids"]):
            _ = told[0][1][token]
        for token, logprobs in told:
            asked = self.wanted.get(node, set()) & logprobs.keys()
            self.found.update({(*node, child): logprobs[child] for child in asked})
            node = (*node, token)

    def scores(self, choices: Iterable[Tokens]) -> tuple[tuple[float, ...], ...]:
        """By choice and token. Raises KeyError where an answer told nothing."""
        return tuple(tuple(self.found[choice[: i + 1]] for i in range(len(choice))) for choice in choices)


def by_ids(ids: Sequence[int], count: int) -> Mapping[str, Any]:
    """Say ``count`` tokens out of ``ids``, with the log-probabilities of all ``ids`` at each."""
    return {
        "max_tokens": count,
        "temperature": 0.0,
        "logprobs": 1,
        "logprob_token_ids": list(ids),
        "allowed_token_ids": list(ids),
        "return_tokens_as_token_ids": True,
    }


def steps(said: Mapping[str, Any]) -> list[Step]:
    """Of an answer to ``by_ids``, whose tokens are named as token_id:17."""
    logprobs = chosen(said)["logprobs"]
    return [
        (_id(token), {_id(name): _number(value) for name, value in step.items()})
        for token, step in zip(logprobs["tokens"], logprobs["top_logprobs"], strict=True)
    ]


def _id(token: str) -> int:
    return int(token.removeprefix("token_id:"))


def _number(value: Any) -> float:
    """A log-probability. Raises ValueError for what is none: no number, NaN, or above 0 by more than rounding."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not value <= ROUNDING:
        raise ValueError(f"{value!r} is no log-probability")
    return float(value)


def offered(said: Mapping[str, Any]) -> bool:
    """Whether log-probabilities came at all: where a server has none, another attempt brings none."""
    return chosen(said).get("logprobs") is not None


def untouched(one: int, two: int, said: Mapping[str, Any]) -> bool:
    """Whether an answer that might say ``one`` only still tells how likely the model itself found ``two``."""
    if not offered(said):
        return False
    ((token, logprobs),) = steps(said)
    return token == one and min(logprobs.get(each, NEVER) for each in (one, two)) > NEVER


def echoes(whole: Tokens, said: Mapping[str, Any]) -> bool:
    """Whether an answer to ``ECHO`` tells how likely the prompt ``whole`` was."""
    return offered(said) and len(echoed(whole, 1, said)) == 1


def echoed(whole: Tokens, last: int, said: Mapping[str, Any]) -> tuple[float, ...]:
    """Of an answer to ``ECHO``: those of the ``last`` tokens of the prompt ``whole``. One more token was said."""
    values = chosen(said)["logprobs"]["token_logprobs"]
    if len(values) not in (len(whole), len(whole) + 1):
        raise ValueError(f"{len(values)} log-probabilities for {len(whole)} tokens")
    return tuple(_number(value) for value in values[len(whole) - last : len(whole)])
