"""The end of an answer: where one choice begins another ("1" and "10"), only what follows tells them apart."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from harness.types import Message, Messages, Tokens

# Placeholders of an answer and of an item's inputs: digits, which no filter of a template changes.
ANSWER, ITEM = "8675309246813579", "5551234987650321"


def begin_one_another(rows: Sequence[str] | Sequence[Tokens]) -> bool:
    """Whether one of ``rows`` is the beginning of another, or the same."""
    ordered: list[Any] = sorted(rows)  # between a row and those it begins stand only others that it begins
    return any(second[: len(first)] == first for first, second in pairwise(ordered))


def follows(text: str) -> str:
    """What follows the last answer in ``text``, as far as the next item; empty where there is no answer."""
    return text.rpartition(ANSWER)[2].partition(ITEM)[0] if ANSWER in text else ""


def answered(messages: Messages) -> Messages:
    """The chat with an answer: in its last turn, where that is an assistant's, else in one of its own."""
    if messages and messages[-1].role == "assistant":
        return (*messages[:-1], Message("assistant", messages[-1].content + ANSWER))
    return (*messages, Message("assistant", ANSWER))
