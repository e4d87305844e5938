"""Where a stretch of a text stands after edits of it."""

from __future__ import annotations

from collections.abc import Iterable

from harness.types import Edit


def shifted(start: int, end: int, edits: Iterable[Edit]) -> tuple[int, int] | None:
    """The stretch from ``start`` to ``end`` after ``edits`` of the input that it is in; None where one touches it.

    >>> shifted(4, 7, [Edit("text", 0, 1, "Two")])
    (6, 9)
    """
    by = 0
    for edit in edits:
        if edit.end <= start and (edit.start < start or edit.start == edit.end):
            by += len(edit.text) - (edit.end - edit.start)
        elif edit.start < end:
            return None
    return start + by, end + by
