"""Where baselines overtake prompts, as a table and in sentences."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Sequence
from typing import Any

from harness import escape
from harness.compare import more_sizes
from harness.compare.crossover import Crossing, Crossover, about, bracket, pool
from harness.compare.payback import COUNTED, Payback, money
from harness.errors import InputError, unknown
from harness.report import html, latex, markdown, terminal
from harness.report.numbers import DASH, interval
from harness.stats.intervals import Estimate

FORMATS = ("terminal", "markdown", "csv", "json", "html", "latex")
LEFT = ("baseline", "trained on", "prompt", "how found")
Found = tuple[Crossover, Sequence[Payback]]
"""A crossover, and its crossings in money: all of them, or none."""


def render(found: Sequence[Found], form: str) -> str:
    """One of ``FORMATS``. Raises InputError where nothing was found, which says what is missing."""
    if form not in FORMATS:
        raise unknown("format of --crossover", form, FORMATS)
    told = [each for each in found if each[0].crossings]
    if not told:
        raise InputError(" ".join(missing(each) for each, _ in found))
    if form == "json":
        return escape.terminal(json.dumps([_object(*each) for each in told], ensure_ascii=False, indent=2))
    if form == "csv":
        return _csv(told)
    if form == "html":
        return html.document([(each.comparison.task, _html(each, paid)) for each, paid in told])
    return "\n\n\n".join(_FORMS[form](*each) for each in told)


def missing(found: Crossover) -> str:
    """What a crossover lacks, and the command that makes it; empty where it lacks nothing."""
    task = found.comparison.task
    if not found.levels:
        return (
            f"{task}: no prompt on these items to overtake. Run one: harness run --task {task} --shots 0,5, with the "
            "same --limit if there was one."
        )
    if not (found.short or found.curves):
        return (
            f"{task}: no baseline on these items that learns. Run one at three sizes or more: harness run --task "
            f"{task} --baselines-only --baseline tfidf-logreg --train-size 20,40,80,160 --seed 0,1,2"
        )
    if not found.short:
        return ""
    few = ", ".join(f"{line.name} at {' and '.join(f'{size:,}' for size in line.sizes)}" for line in found.short)
    return (
        f"{task}: fewer than three training sizes were run: {few}. A curve takes three or more. Run: "
        f"{more_sizes.command(found.short, pool(found.comparison))}"
    )


def _table(found: Crossover, paid: Sequence[Payback]) -> tuple[list[str], list[list[str]]]:
    """Titles and rows."""
    titles = ["baseline", "trained on", "prompt", found.comparison.metric, "overtakes at", "how found"]
    rows = [
        [each.curve.name, _sizes(each), each.prompt, interval(each.row.score), _at(each), each.how]
        for each in found.crossings
    ]
    if paid:
        titles += ["labels cost", "a month", "months"]
        rows = [[*row, *_money(each)] for row, each in zip(rows, paid, strict=True)]
    return titles, rows


def _sizes(crossing: Crossing) -> str:
    curve = crossing.curve
    seeds = f", {curve.draws} draws" if curve.draws > 1 else ""
    return f"{curve.sizes[0]:,} to {curve.sizes[-1]:,} ({len(curve.sizes)} sizes{seeds})"


def _at(crossing: Crossing) -> str:
    curve = crossing.curve
    return _cell(crossing.at, about, f"below {curve.sizes[0]:,}", f"beyond {curve.end:,}")


def _money(paid: Payback) -> list[str]:
    curve, label = paid.crossing.curve, paid.terms.label
    first, end = (size * label for size in (curve.sizes[0], curve.end))
    monthly = DASH if math.isnan(paid.monthly) else money(paid.monthly)
    return [
        _cell(paid.labels, money, f"below {money(first)}", f"beyond {money(end)}"),
        monthly,
        DASH if monthly == DASH else _cell(paid.months, _one, "below that", "beyond that"),
    ]


def _one(months: float) -> str:
    return f"{months:,.1f}"


def _cell(found: Estimate, shown: Callable[[float], str], below: str, beyond: str) -> str:
    """The value with its interval; where it is outside, in words."""
    if math.isnan(found.value):
        return DASH
    value = below if found.value == 0 else beyond if math.isinf(found.value) else shown(found.value)
    return value + bracket(found, shown)


def _notes(found: Crossover, paid: Sequence[Payback]) -> list[str]:
    lines = [*found.notes, *([COUNTED] if paid else [])]
    lack = missing(found)
    return [*lines, lack] if lack else lines


def _told(found: Crossover, paid: Sequence[Payback]) -> list[str]:
    """The sentences, of each crossing with its money."""
    return [*found.sentences, *dict.fromkeys(each.sentence for each in paid)]


def _terminal(found: Crossover, paid: Sequence[Payback]) -> str:
    titles, rows = _table(found, paid)
    return terminal.table(titles, [("", rows)], [_told(found, paid), _notes(found, paid)], LEFT)


def _markdown(found: Crossover, paid: Sequence[Payback]) -> str:
    titles, rows = _table(found, paid)
    told = [f"- {escape.markdown(line)}" for line in _told(found, paid)]
    notes = [escape.markdown(line) for line in _notes(found, paid)]
    return "\n".join([*markdown.table(titles, [("", rows)], LEFT), "", *told, "", *notes])


def _html(found: Crossover, paid: Sequence[Payback]) -> str:
    titles, rows = _table(found, paid)
    told = "".join(f"<li>{escape.html(line)}</li>" for line in _told(found, paid))
    below = f"<ul>{told}</ul>{html.notes(_notes(found, paid))}"
    return html.table(found.comparison.task, titles, [("", rows)], below)


def _latex(found: Crossover, paid: Sequence[Payback]) -> str:
    titles, rows = _table(found, paid)
    return "\n".join(latex.table(titles, [("", rows)], [*_told(found, paid), *_notes(found, paid)], LEFT))


_FORMS: dict[str, Callable[[Crossover, Sequence[Payback]], str]] = {
    "terminal": _terminal,
    "markdown": _markdown,
    "latex": _latex,
}


def _object(found: Crossover, paid: Sequence[Payback]) -> dict[str, Any]:
    """Numbers of labels are null where they are beyond the curve's end, 0 below its first size."""
    made = found.comparison
    in_money = [_paid(each) for each in paid] or [{}] * len(found.crossings)
    return {
        "task": made.task,
        "metric": made.metric,
        "n": made.n,
        "clusters": made.clusters,
        "crossings": [_plain(each) | own for each, own in zip(found.crossings, in_money, strict=True)],
        "curves": [
            {
                "baseline": curve.name,
                "sizes": list(curve.sizes),
                "draws": curve.draws,
                "end": curve.end,
                "fitted": [{"n_train": round(size, 1), **_bounds(at)} for size, at in curve.fitted],
            }
            for curve in found.curves
        ],
        "notes": _notes(found, paid),
    }


def _plain(crossing: Crossing) -> dict[str, Any]:
    return {
        "baseline": crossing.curve.name,
        "prompt": crossing.prompt,
        "score": _bounds(crossing.row.score),
        "labels": _bounds(crossing.at),
        "how": crossing.how,
        "sentence": crossing.sentence,
    }


def _paid(paid: Payback) -> dict[str, Any]:
    return {
        "labels_cost": _bounds(paid.labels),
        "prompt_tokens": _known(paid.tokens[0]),
        "written_tokens": _known(paid.tokens[1]),
        "monthly_cost": _known(paid.monthly),
        "months": _bounds(paid.months),
        "in_money": paid.sentence,
    }


def _bounds(found: Estimate) -> dict[str, float | None]:
    return {"value": _known(found.value), "low": _known(found.low), "high": _known(found.high)}


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _csv(found: Sequence[Found]) -> str:
    """A line a crossing."""
    rows = []
    for each, paid in found:
        for place, crossing in enumerate(each.crossings):
            plain = _plain(crossing) | (_paid(paid[place]) if paid else {})
            row: dict[str, Any] = {"task": each.comparison.task, "metric": each.comparison.metric}
            for key, value in plain.items():
                if isinstance(value, dict):
                    row |= {key: value["value"], f"{key}.low": value["low"], f"{key}.high": value["high"]}
                else:
                    row[key] = escape.csv(value) if isinstance(value, str) else value
            rows.append(row)
    out = io.StringIO()
    writer = csv.DictWriter(out, list(dict.fromkeys(key for row in rows for key in row)), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().rstrip("\n")
