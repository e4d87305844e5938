"""A table for a pull request."""

from __future__ import annotations

from collections.abc import Sequence

from harness.compare.differences import Comparison
from harness.report.cells import cells, footer, header, signatures


def _escape(cell: str) -> str:
    return cell.replace("|", "\\|")


def render(comparisons: Sequence[Comparison]) -> str:
    """GitHub-flavoured markdown: the table, its footer, and the signatures folded away."""
    return "\n\n".join(map(_one, comparisons))


def _one(comparison: Comparison) -> str:
    titles = header(comparison)
    lines = [
        "| " + " | ".join(titles) + " |",
        "|" + "|".join([":--", *["--:"] * (len(titles) - 1)]) + "|",
        *("| " + " | ".join(map(_escape, cells(comparison, row))) + " |" for row in comparison.rows),
        "",
        *footer(comparison),
        "",
        "<details><summary>Signatures</summary>",
        "",
        *(f"- `{line}`" for line in signatures(comparison)),
        "",
        "</details>",
    ]
    return "\n".join(lines)
