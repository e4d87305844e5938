"""A table for a notebook."""

from __future__ import annotations

from collections.abc import Sequence

from harness.compare.differences import Comparison
from harness.escape import html as escape
from harness.report.cells import cells, footer, header, signatures


def render(comparisons: Sequence[Comparison]) -> str:
    """An HTML table with footer and signatures."""
    return "\n".join(map(_one, comparisons))


def _one(comparison: Comparison) -> str:
    head = "".join(f"<th>{escape(title)}</th>" for title in header(comparison))
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells(comparison, row)) + "</tr>"
        for row in comparison.rows
    )
    notes = "".join(f"<p><small>{escape(line)}</small></p>" for line in footer(comparison))
    lines = "".join(f"<li><code>{escape(line)}</code></li>" for line in signatures(comparison))
    return (
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{notes}"
        f"<details><summary>Signatures</summary><ul>{lines}</ul></details>"
    )
