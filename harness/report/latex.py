"""A table for a paper (booktabs)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from harness.compare.differences import Comparison
from harness.report.cells import cells, footer, header, signatures

ESCAPES = {
    "\\": r"\textbackslash{}",
    **{character: f"\\{character}" for character in "&%$#_{}"},
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "–": "--",
    "—": "---",
    "−": "$-$",
    "…": r"\ldots{}",
}


def escape(text: str) -> str:
    """``text`` as LaTeX shows it, character by character."""
    return "".join(ESCAPES.get(character, character) for character in text)


def cell(text: str) -> str:
    """As ``escape``, with a minus before a number and no hyphen."""
    return re.sub(r"(?<![\w.)-])-(?=\d)", "$-$", escape(text))


def render(comparisons: Sequence[Comparison]) -> str:
    """A ``table`` each, no wider than the text, for a document with ``\\usepackage{booktabs,graphicx}``. Signatures
    stand in comments."""
    return "\n\n".join(map(_one, comparisons))


def _one(comparison: Comparison) -> str:
    titles = header(comparison)
    # A comment ends with its line, and nothing in it is read.
    lines = [f"% {line}" for line in signatures(comparison)]
    lines += [
        r"\begin{table}",
        r"\centering",
        r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}"
        rf"{{\begin{{tabular}}{{l{'r' * (len(titles) - 1)}}}",
        r"\toprule",
        " & ".join(map(escape, titles)) + r" \\",
        r"\midrule",
        *(" & ".join(map(cell, cells(comparison, row))) + r" \\" for row in comparison.rows),
        r"\bottomrule",
        r"\end{tabular}}",
        rf"\caption{{{escape(' '.join(footer(comparison)))}}}",
        r"\end{table}",
    ]
    return "\n".join(lines)
