"""A table for a pull request."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness import escape
from harness.compare.differences import Comparison
from harness.report.cells import footer, header, signatures
from harness.report.sections import Part, parts


def render(comparisons: Sequence[Comparison]) -> str:
    """GitHub-flavoured markdown: the table, its footer, and the signatures folded away."""
    return "\n\n".join(map(_one, comparisons))


def _one(comparison: Comparison) -> str:
    titles = header(comparison)
    lines = [
        *table(titles, parts(comparison), left=titles[:1]),
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


def table(titles: Sequence[str], rows: Sequence[Part], left: Sequence[str]) -> Iterator[str]:
    """A line a row, and one before the rows of a part that has a heading; columns are ``left`` or right."""
    yield "| " + " | ".join(map(escape.cell, titles)) + " |"
    yield "|" + "|".join(":--" if title in left else "--:" for title in titles) + "|"
    for heading, own in rows:
        if heading:
            yield f"| **{escape.cell(heading)}** " + "| " * (len(titles) - 1) + "|"
        yield from ("| " + " | ".join(map(escape.cell, row)) + " |" for row in own)
