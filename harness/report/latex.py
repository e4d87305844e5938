"""A table for a paper (booktabs)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from harness.compare.differences import Comparison
from harness.escape import latex as escape
from harness.escape import line as one_line
from harness.report.cells import footer, header, signatures
from harness.report.sections import Part, parts


def cell(text: str) -> str:
    """As ``escape``, with a minus before a number and no hyphen. A bracket or a star that begins a row would be read as
    an argument of the rule or the line break before it."""
    shown = re.sub(r"(?<![\w.)}-])-(?=\d)", "$-$", escape(text))
    return f"{{}}{shown}" if shown.startswith(("[", "*")) else shown


def render(comparisons: Sequence[Comparison]) -> str:
    """A ``table`` each, no wider than the text, for a document with ``\\usepackage{booktabs,graphicx}``. Signatures
    stand in comments."""
    return "\n\n".join(map(_one, comparisons))


def _one(comparison: Comparison) -> str:
    titles = header(comparison)
    # A comment ends with its line, and nothing in it is read.
    lines = [f"% {one_line(line)}" for line in signatures(comparison)]
    return "\n".join([*lines, *table(titles, parts(comparison), footer(comparison), left=titles[:1])])


def table(titles: Sequence[str], rows: Sequence[Part], notes: Sequence[str], left: Sequence[str]) -> Sequence[str]:
    """The lines of a ``table`` with columns that are ``left`` or right; ``notes`` are its caption."""
    return [
        r"\begin{table}",
        r"\centering",
        r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}"
        rf"{{\begin{{tabular}}{{{''.join('l' if title in left else 'r' for title in titles)}}}",
        r"\toprule",
        " & ".join(map(cell, titles)) + r" \\",
        *_rows(rows, len(titles)),
        r"\bottomrule",
        r"\end{tabular}}",
        rf"\caption{{{escape(' '.join(notes))}}}",
        r"\end{table}",
    ]


def _rows(rows: Sequence[Part], width: int) -> Iterator[str]:
    """A line a row; a rule before the rows, and before those of each part, whose heading spans the table."""
    for heading, own in rows:
        yield r"\midrule"
        if heading:
            yield rf"\multicolumn{{{width}}}{{l}}{{\textit{{{escape(heading)}}}}} \\"
        yield from (" & ".join(map(cell, row)) + r" \\" for row in own)
