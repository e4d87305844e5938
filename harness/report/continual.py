"""What is kept of tasks that were learnt one after the other, as tables."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from harness import escape
from harness.compare.retention import Course, Retention
from harness.errors import unknown
from harness.report import figure
from harness.report.json import plain
from harness.report.numbers import DASH, interval, number
from harness.report.table import table

FORMATS = ("terminal", "markdown", "json")
HEAD = ("strategy", "average", "forgetting", "backward transfer", "minus the first")
NOTE = (
    "Task-incremental: one body, a head of its own for each task, and an item's task is known when it is asked. "
    "Average: the mean of the tasks' item scores after the last of them was learnt. Forgetting: how far the earlier "
    "ones fell from their best before that (Chaudhry et al., 2018). Backward transfer: how far from what they were "
    "right after learning (Lopez-Paz and Ranzato, 2017). Brackets: 95 % intervals over items and seeds, paired."
)
BESIDE = {
    "joint": "joint learns all tasks at once, what one after the other can reach at best.",
    "prompt": "prompt learns nothing, and so forgets nothing.",
}


def known(form: str) -> None:
    """Raises InputError for a format that there is not."""
    if form not in FORMATS:
        raise unknown("format of continual", form, FORMATS)


def render(course: Course, form: str) -> str:
    """``terminal``, ``markdown`` or ``json``."""
    known(form)
    if form == "json":
        return json.dumps(plain(asdict(course)), indent=2, ensure_ascii=False)
    write: Callable[[str], str] = escape.markdown if form == "markdown" else escape.line
    named = ", then ".join(f"{task} ({n:,} items)" for task, n in zip(course.tasks, course.items, strict=True))
    seeds = "" if course.seeds == 1 else f", {course.seeds} seeds"
    parts = [write(f"{course.model}: {named}{seeds}"), table([HEAD, *map(_cells, course.rows)], form)]
    parts += [_curve(course, row, form) for row in course.rows if len(row.means) > 1]
    beside = " ".join(text for name, text in BESIDE.items() if any(row.strategy == name for row in course.rows))
    return "\n\n".join([*parts, write(f"{NOTE} {beside}".rstrip())])


def draw(course: Course, folder: Path) -> list[Path]:
    """Writes each task's score after each stage as a figure below ``folder``."""
    from harness.report.figures import retention

    drawn = (("retention", retention.draw(each)) for each in [course])  # in the style that `write` sets
    return figure.write("continual", drawn, folder)


def _cells(row: Retention) -> tuple[str, ...]:
    return (
        row.strategy,
        interval(row.average),
        interval(row.forgetting),
        interval(row.backward, sign=True),
        interval(row.gain, sign=True),
    )


def _curve(course: Course, row: Retention, form: str) -> str:
    """Each task's score after each stage."""
    head = (f"{row.strategy}, after", *course.tasks)
    lines = [
        (stage, *(DASH if mean is None else number(mean) for mean in means))
        for stage, means in zip(course.tasks, row.means, strict=True)
    ]
    return table([head, *lines], form)
