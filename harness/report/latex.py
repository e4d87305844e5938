"""A table for a paper (booktabs)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from harness.compare.differences import Comparison
from harness.escape import latex as escape
from harness.escape import line as one_line
from harness.report.cells import cells, footer, header, signatures


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
    lines += [
        r"\begin{table}",
        r"\centering",
        r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}"
        rf"{{\begin{{tabular}}{{l{'r' * (len(titles) - 1)}}}",
        r"\toprule",
        " & ".join(map(cell, titles)) + r" \\",
        r"\midrule",
        *(" & ".join(map(cell, cells(comparison, row))) + r" \\" for row in comparison.rows),
        r"\bottomrule",
        r"\end{tabular}}",
        rf"\caption{{{escape(' '.join(footer(comparison)))}}}",
        r"\end{table}",
    ]
    return "\n".join(lines)
