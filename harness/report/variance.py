"""A decomposition of variance as a table."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict

from harness.errors import InputError, unknown
from harness.report.cells import DASH, number
from harness.variance import Component, Decomposition

FORMATS = ("terminal", "markdown", "json")
HEAD = ("source", "levels", "standard deviation", "share")


def render(found: Sequence[Decomposition], form: str) -> str:
    """``terminal``, ``markdown`` or ``json``. Raises InputError where there is nothing to split."""
    if form not in FORMATS:
        raise unknown("format of --variance", form, FORMATS)
    if not found:
        raise InputError(
            "--variance compares runs that differ by seed, order, selector or template, and there are none. Make some: "
            "harness run --task NAME --shots 5 --seed 0,1,2 --template plain,chat"
        )
    if form == "json":
        return json.dumps([_plain(asdict(each)) for each in found], indent=2)
    return "\n\n".join(_one(each, form) for each in found)


def _one(found: Decomposition, form: str) -> str:
    rows = [HEAD, *(_cells(each) for each in found.components)]
    title = f"{found.title}: {found.metric} {number(found.mean)} on average over {found.runs} runs"
    note = (
        "Standard deviation of one run's score by each source; a dash where one level only was run. A 0 says that the "
        "levels differ no more than the items' noise explains."
    )
    if form == "markdown":
        lines = ["| " + " | ".join(row) + " |" for row in rows]
        return "\n".join([f"**{title}**", "", lines[0], "|:--|--:|--:|--:|", *lines[1:], "", note])
    widths = [max(len(row[i]) for row in rows) for i in range(len(HEAD))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([title, "", *lines, "", note])


def _cells(part: Component) -> tuple[str, ...]:
    share = DASH if math.isnan(part.share) else f"{100 * part.share:.0f} %"
    return part.source, str(part.levels), number(part.deviation), share


def _plain(value: object) -> object:
    """NaN has no place in JSON."""
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return None if isinstance(value, float) and math.isnan(value) else value
