"""Rows of text as a table: in a terminal, or in Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from harness.report import markdown, terminal


def table(rows: Sequence[Sequence[str]], form: str, left: int = 1) -> str:
    """``rows``, the first of which is the head, for a ``terminal`` or as ``markdown``, where all columns but the first
    ``left`` are set to the right."""
    titles, parts = rows[0], [("", rows[1:])]
    if form == "markdown":
        return "\n".join(markdown.table(titles, parts, titles[:left]))
    return terminal.table(titles, parts, [], titles[:left])
