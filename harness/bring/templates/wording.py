"""What templates say in one language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Wording:
    """Of one kind: what an answer is called, the instruction, and the system message of a chat, both in Jinja."""

    answer: str
    rule: str
    system: str


@dataclass(frozen=True, slots=True)
class Language:
    """What all kinds share: names of inputs, the marks between a name and its text, descriptions of the templates."""

    kinds: Mapping[str, Wording]
    inputs: Mapping[str, str]
    colon: str
    space: str
    plain: str
    instruction: str
    chat: str
