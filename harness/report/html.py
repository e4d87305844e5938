"""A table for a browser: a document that stands alone, or a fragment for a notebook."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from harness.compare.differences import Comparison
from harness.escape import html as escape
from harness.report.cells import footer, header, signatures
from harness.report.sections import Part, parts

# Nothing is loaded and nothing runs, whatever a name in the table holds.
POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def render(comparisons: Sequence[Comparison]) -> str:
    """A whole document: light and dark, readable on a telephone, printable, without scripts."""
    return document([(comparison.task, _block(comparison)) for comparison in comparisons])


def document(blocks: Sequence[tuple[str, str]]) -> str:
    """Blocks of HTML, each under the name of its task."""
    title = ", ".join(dict.fromkeys(task for task, _ in blocks))
    return "\n".join(
        [
            "<!DOCTYPE html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(title)}: results</title>",
            f"<style>\n{_style('document')}{_style('table')}</style>",
            "</head>",
            "<body>",
            *(f"<h1>{escape(task)}</h1>\n{block}" for task, block in blocks),
            "</body>",
            "</html>",
        ]
    )


def fragment(comparison: Comparison) -> str:
    """A table with footer and signatures, to stand in another document. Its style touches nothing else there."""
    return f"<style>\n{_style('table')}</style>\n{_block(comparison)}"


def _block(comparison: Comparison) -> str:
    lines = "".join(f"<li><code>{escape(line)}</code></li>" for line in signatures(comparison))
    below = f"{notes(footer(comparison))}<details><summary>Signatures</summary><ul>{lines}</ul></details>"
    return table(comparison.task, header(comparison), parts(comparison), below)


def table(name: str, titles: Sequence[str], rows: Sequence[Part], below: str) -> str:
    """A table called ``name``, in a box that scrolls, and the HTML ``below`` it."""
    head = "".join(f'<th scope="col">{escape(title)}</th>' for title in titles)
    return (
        '<div class="harness-table">'
        f'<div class="harness-scroll" role="region" aria-label="{escape(name)}" tabindex="0">'
        f"<table><thead><tr>{head}</tr></thead>{''.join(_bodies(rows, len(titles)))}</table></div>{below}</div>"
    )


def notes(lines: Sequence[str]) -> str:
    """Paragraphs."""
    return "".join(f"<p>{escape(line)}</p>" for line in lines)


def _bodies(rows: Sequence[Part], width: int) -> Iterator[str]:
    """A body for each part, headed where it has a heading."""
    for heading, own in rows:
        head = f'<tr><th scope="rowgroup" colspan="{width}">{escape(heading)}</th></tr>' if heading else ""
        cells = ("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in own)
        yield f"<tbody>{head}{''.join(cells)}</tbody>"


def _style(name: str) -> str:
    return Path(__file__).with_name(f"{name}.css").read_text(encoding="utf-8")
