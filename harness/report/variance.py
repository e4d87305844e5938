"""A decomposition of variance as a table."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict

from harness import escape
from harness.compare.variance import REST, Component, Decomposition
from harness.errors import InputError, unknown
from harness.report.json import plain
from harness.report.numbers import DASH, interval, number
from harness.report.table import table
from harness.stats.intervals import Estimate

FORMATS = ("terminal", "markdown", "json")
HEAD = ("source", "levels", "standard deviation", "share")
NOTE = (
    "Standard deviation of one run's score by each source; brackets: 95 % intervals. A dash: not known, because one "
    "level only was run, or each came with one level of another source only. A 0: the levels differ no more than the "
    "items' noise explains; the interval says how large it may yet be."
)
MIXED = " Combinations: what the sources do together and none alone, such as demonstrations that suit one template."


def render(found: Sequence[Decomposition], form: str) -> str:
    """``terminal``, ``markdown`` or ``json``. Raises InputError where there is nothing to split."""
    if form not in FORMATS:
        raise unknown("format of --variance", form, FORMATS)
    if not found:
        raise InputError(
            "--variance compares runs that differ by seed, order or template only, and there are none. Make some: "
            "harness run --task NAME --shots 5 --seed 0,1,2 --template plain,chat"
        )
    if form == "json":
        return json.dumps([plain(asdict(each)) for each in found], indent=2)
    note = NOTE + (MIXED if any(part.source == REST for each in found for part in each.components) else "")
    return "\n\n".join([*(_one(each, form) for each in found), note])


def _one(found: Decomposition, form: str) -> str:
    rows = [HEAD, *(_cells(each) for each in found.components)]
    title = f"{found.title}: {found.metric} {number(found.mean)} on average over {found.runs} runs"
    if form == "markdown":
        return f"**{escape.markdown(title)}**\n\n{table(rows, form)}"
    return f"{escape.line(title)}\n\n{table(rows, form)}"


def _cells(part: Component) -> tuple[str, ...]:
    share = DASH if math.isnan(part.share) else f"{100 * part.share:.0f} %"
    deviation = interval(Estimate(part.deviation, part.low, part.high))
    return part.source, str(part.levels), deviation, share
