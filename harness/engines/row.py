"""A text at work: the columns that it sees, and what is written of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from harness.engines.endings import Ending


@dataclass(slots=True)
class Row:
    """``path`` are the columns of its prompt and of what it wrote, but for the last token, which is still to be fed:
    its position is their number."""

    ending: Ending
    path: list[int]
    made: list[int] = field(default_factory=list)
    ended: bool = False

    def take(self, token: int) -> None:
        """Write ``token``."""
        self.made.append(token)
        self.ended = self.ending.reached(self.made)

    @property
    def left(self) -> int:
        """How many tokens it may still write."""
        return self.ending.how.max_tokens - len(self.made)


def going(rows: Sequence[Row]) -> list[Row]:
    """Those of ``rows`` that have not ended."""
    return [row for row in rows if not row.ended]
