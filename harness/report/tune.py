"""A choice among prompts: the rounds it took, what was dropped and why, and what the winner is worth elsewhere."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import asdict, fields
from typing import Any

from harness import escape
from harness.compare.race import Round, Tuned
from harness.errors import unknown
from harness.report import markdown, terminal
from harness.report.json import objects, plain
from harness.report.numbers import DASH, interval, number, p
from harness.report.table import table

FORMATS = ("terminal", "markdown", "json")
HEAD = ("candidate", "score", "minus the leader", "")
RECORDS = ("rounds", "against")
SHOWN = 5  # candidates of a round that lead; those that are dropped are all shown


def known(form: str) -> None:
    """Raises InputError for a format that there is not."""
    if form not in FORMATS:
        raise unknown("format of tune", form, FORMATS)


def render(tuned: Tuned, form: str, line: str) -> str:
    """``terminal``, ``markdown`` or ``json``; ``line`` is the command that runs the winner."""
    known(form)
    if form == "json":
        return json.dumps(_plain(tuned, line), indent=2, ensure_ascii=False)
    write: Callable[[str], str] = escape.markdown if form == "markdown" else escape.line
    parts = [f"{write(_title(each, tuned))}\n\n{_round(each, form)}" for each in tuned.rounds]
    parts.append("\n".join(map(write, _chosen(tuned))))
    parts.append((markdown if form == "markdown" else terminal).render([tuned.test]))
    parts.append("\n".join(map(write, _reported(tuned))))
    parts.append(f"```\n{escape.line(line)}\n```" if form == "markdown" else escape.line(line))
    return "\n\n".join(parts)


def _title(each: Round, tuned: Tuned) -> str:
    dropped = sum(standing.dropped for standing in each.standings)
    return (
        f"{tuned.task}, {tuned.chosen_on}: {each.n:,} items, {len(each.standings)} candidates, {dropped} dropped, "
        f"{each.computed:,.0f} tokens computed"
    )


def _round(each: Round, form: str) -> str:
    shown = [standing for place, standing in enumerate(each.standings) if place < SHOWN or standing.dropped]
    rows = [
        (
            standing.title,
            number(standing.score),
            DASH if standing.behind is None else interval(standing.behind, sign=True),
            "leads" if standing.behind is None else "dropped: surely worse" if standing.dropped else "",
        )
        for standing in shown
    ]
    more = len(each.standings) - len(shown)
    rest = [(f"and {more} more that stay", "", "", "")] if more else []
    return table([HEAD, *rows, *rest], form)


def _chosen(tuned: Tuned) -> list[str]:
    rest = tuned.left - 1
    said = f"Chosen: {tuned.winner}."
    told = "No other is left." if not rest else f"{rest} more cannot be told from it on these items."
    lines = [
        f"{said} {told} A candidate is dropped where the upper one-sided bound of its difference to the leader lies "
        "below 0; over all rounds the best one is dropped with a probability of 5 % at most.",
        f"Its {tuned.metric} on {tuned.chosen_on}, {number(tuned.score)}, is flattered by the choice"
        + (
            "."
            if math.isnan(tuned.optimism)
            else f": about {number(abs(tuned.optimism))} of it is owed to being the best of {tuned.candidates}."
        ),
    ]
    spent = f"Asked for {tuned.asked:,} of the {tuned.whole:,} answers of the whole grid"
    if tuned.full:
        spent += (
            f"; computed {tuned.computed:,.0f} tokens, where the whole grid would have computed {tuned.full:,.0f} "
            f"({tuned.computed / tuned.full:.0%})"
        )
    return [*lines, f"{spent}."]


def _reported(tuned: Tuned) -> list[str]:
    split = str(tuned.test.rows[0].run.spec["split"])
    lines = [
        f"On {split}, looked at once: {tuned.winner} minus {each.title}: {interval(each.difference, sign=True)}, "
        f"p (Holm) {p(each.p)}."
        for each in tuned.against
    ]
    return ([f"The incumbent is the best: {tuned.winner}."] if tuned.same else []) + lines


def _plain(tuned: Tuned, line: str) -> Any:
    said = {each.name: getattr(tuned, each.name) for each in fields(tuned) if each.name not in ("test", *RECORDS)}
    records = {name: [asdict(each) for each in getattr(tuned, name)] for name in RECORDS}
    return plain({**said, **records, "run": line, "test": list(objects([tuned.test]))})
