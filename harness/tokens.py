"""Sequences of tokens and of characters: what two share, where one stops, and when two texts read alike."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from harness.types import Tokens

# History of what a stop does. 1: it ends the text wherever it stands. 2: only behind the beginning of an answer.
STOPPING = 2
TAIL = 8  # tokens at a prompt's end that may open a thought
TAG = r"(?:think|thinking|reasoning)>"
_TAGS, _OPENED = re.compile(f"<(/?){TAG}", re.IGNORECASE), re.compile(rf"(<{TAG})\s*$", re.IGNORECASE)


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


def thoughts(text: str) -> list[tuple[int, int]]:
    """Where ``text`` reasons, tags and all: ``<think>…</think>``, ``<thinking>`` and ``<reasoning>`` alike. A thought
    that is not closed goes on to the end; a closing tag alone ends one that the prompt opened."""
    found: list[tuple[int, int]] = []
    begun = -1
    for tag in _TAGS.finditer(text):
        if not tag[1]:
            begun = tag.start() if begun < 0 else begun
        else:
            found = [*found, (begun, tag.end())] if begun >= 0 else [(0, tag.end())]
            begun = -1
    return found if begun < 0 else [*found, (begun, len(text))]


def opening(prompt: str) -> str:
    """The tag of the thought that ``prompt`` ends by opening; empty where it opens none."""
    found = _OPENED.search(prompt)
    return found[1] if found else ""


def until(text: str, stops: Sequence[str]) -> tuple[str, bool]:
    """``text`` up to the first of ``stops``, and whether one occurs. A stop counts behind the beginning of an answer
    only: not within a thought, nor where nothing but thoughts and white space stand before it."""
    if not any(stop in text for stop in stops):
        return text, False
    inside = thoughts(text)
    begun = 0
    for start, end in inside:
        if not text[begun:start].strip():
            begun = end
    begun += len(text[begun:]) - len(text[begun:].lstrip())
    cuts = [at for stop in stops if (at := _outside(text, stop, begun + 1, inside)) >= 0]
    return (text[: min(cuts)], True) if cuts else (text, False)


def _outside(text: str, stop: str, start: int, inside: Sequence[tuple[int, int]]) -> int:
    """Where ``stop`` first occurs at ``start`` or later and in none of the spans ``inside``; -1 where it does not."""
    at = text.find(stop, start)
    for low, high in inside:
        if low <= at < high:
            at = text.find(stop, high)
    return at
