"""The words of a text, and the writing systems that are told apart."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")
HAN = r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]"
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_PIECE = re.compile(rf"{HAN}|(?:(?!{HAN})[^\W_])+")
_HAN = re.compile(HAN)


def words(text: str, shortest: int = 1) -> Iterator[re.Match[str]]:
    """The runs of letters of a text, of ``shortest`` letters at least."""
    return (found for found in _WORD.finditer(text) if len(found[0]) >= shortest)


def pieces(text: str) -> Iterator[re.Match[str]]:
    """Runs of letters and digits; each Chinese character is one."""
    return _PIECE.finditer(text)


def is_han(text: str) -> bool:
    """Whether there is a Chinese character in it."""
    return bool(_HAN.search(text))


def written_in(text: str, language: str) -> str:
    """``zh`` or ``en``: which of the two a text of a task's ``language`` is in, such as en or "en, zh"; empty for
    another."""
    named = re.findall(r"[a-z]+", language.lower())
    if "zh" in named and (is_han(text) or "en" not in named):
        return "zh"
    return "en" if "en" in named else ""


def some(found: Sequence[T], share: float, draw: np.random.Generator) -> list[T]:
    """A ``share`` of ``found`` in its order, one at least where there are any."""
    chosen = sorted(draw.permutation(len(found))[: max(1, round(share * len(found)))])
    return [found[place] for place in chosen]
