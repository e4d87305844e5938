"""A check that came to no verdict."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Cause(StrEnum):
    """What kept a verdict away: something failed, the check was asked wrongly, or a baseline's template is gone."""

    FAILED = "failed"
    WRONG = "wrong use"
    LEFT = "left behind"


@dataclass(frozen=True, slots=True)
class Failure:
    """``name`` is the template's, or that of a saved baseline; ``why`` is one paragraph."""

    name: str
    why: str
    cause: Cause

    def __str__(self) -> str:
        return f"{self.name}: {self.why}"
