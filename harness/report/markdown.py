"""A table for a pull request."""

from __future__ import annotations

from collections.abc import Sequence

from harness import escape
from harness.compare.differences import Comparison
from harness.report.cells import cells, footer, header, signatures


def render(comparisons: Sequence[Comparison]) -> str:
    """GitHub-flavoured markdown: the table, its footer, and the signatures folded away."""
    return "\n\n".join(map(_one, comparisons))


def _one(comparison: Comparison) -> str:
    titles = header(comparison)
    lines = [
        "| " + " | ".join(map(escape.cell, titles)) + " |",
        "|" + "|".join([":--", *["--:"] * (len(titles) - 1)]) + "|",
        *("| " + " | ".join(map(escape.cell, cells(comparison, row))) + " |" for row in comparison.rows),
        "",
        *map(escape.markdown, footer(comparison)),
        "",
        "<details><summary>Signatures</summary>",
        "",
        *(f"- {escape.code(line)}" for line in signatures(comparison)),
        "",
        "</details>",
    ]
    return "\n".join(lines)
