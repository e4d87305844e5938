"""Choices of several tokens: from their tokens' log-probabilities to one number a choice."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from harness.errors import unknown

Length = Callable[[Sequence[float], str], int]

# What a choice's summed log-probability is divided by, given its tokens' and its text.
LENGTHS: Mapping[str, Length] = {
    "sum": lambda logprobs, text: 1,
    "tokens": lambda logprobs, text: len(logprobs),
    "characters": lambda logprobs, text: len(text),
    "bytes": lambda logprobs, text: len(text.encode()),
}


def row(choice_logprobs: Sequence[Sequence[float]], texts: Sequence[str], by: str = "sum") -> tuple[float, ...]:
    """One natural-log number a choice. ``sum`` is its log-probability, ``tokens`` the mean of its tokens', ``bytes``
    its sum by the UTF-8 bytes of its text, ``characters`` by its characters (lm-evaluation-harness's acc_norm).

    ``texts`` are the answer words without what joins them to the prompt: a space is no part of an answer. Unknown
    names raise InputError."""
    if by not in LENGTHS:
        raise unknown("normalization", by, LENGTHS)
    return tuple(
        math.fsum(logprobs) / max(1, LENGTHS[by](logprobs, text))
        for logprobs, text in zip(choice_logprobs, texts, strict=True)
    )
