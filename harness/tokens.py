"""Sequences of tokens and of characters: what two share, where one stops, and when two texts read alike."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from harness.types import Tokens


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


def fold(text: str) -> str:
    """Unicode NFKC, case-folded, runs of space as one."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def until(text: str, stops: Sequence[str]) -> tuple[str, bool]:
    """``text`` up to the first of ``stops``, and whether one occurs."""
    cut = min((text.find(stop) for stop in stops if stop in text), default=-1)
    return (text, False) if cut < 0 else (text[:cut], True)
