"""Comparisons for reading: one renderer a file, one line here."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass

from harness.compare.differences import Comparison
from harness.errors import unknown

FORMATS = {
    "terminal": "terminal",
    "markdown": "markdown",
    "csv": "csv",
    "json": "json",
    "html": "html",
    "latex": "latex",
    "xlsx": "xlsx",
}


def render(comparisons: Sequence[Comparison], form: str) -> str | bytes:
    """The tables as one document: ``terminal``, ``markdown``, ``csv``, ``json``, ``html`` or ``latex``, which are text,
    or ``xlsx``, which is bytes."""
    if form not in FORMATS:
        raise unknown("format", form, FORMATS)
    content: str | bytes = importlib.import_module(f"harness.report.{FORMATS[form]}").render(comparisons)
    return content


@dataclass(frozen=True, slots=True)
class Table:
    """A comparison that prints itself, in a terminal and in a notebook."""

    comparison: Comparison

    def render(self, form: str) -> str | bytes:
        """The table in one of ``FORMATS``."""
        return render([self.comparison], form)

    def __str__(self) -> str:
        from harness.report import markdown

        return markdown.render([self.comparison])

    def _repr_html_(self) -> str:
        from harness.report import html

        return html.fragment(self.comparison)
