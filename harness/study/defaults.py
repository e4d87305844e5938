"""What is taken where the command line leaves it open, by what a task's answers are."""

from __future__ import annotations

from collections.abc import Iterable

from harness.kinds import Kind
from harness.prompt import template
from harness.task.definition import Task

AUTO = "auto"
EMBEDDED, WRITES = "tiny", "smollm2"


def selector(name: str, kind: Kind) -> str:
    """The selector that ``auto`` stands for: labels in turn where an item has one label, else a plain draw."""
    return name if name != AUTO else "balanced" if kind.outputs else "random"


def model(task: Task, templates: Iterable[str]) -> str:
    """The embedded model where all answers are scored. It has learnt to choose, not to write: where an answer is
    written, the smallest instruct model there is a package of."""
    return EMBEDDED if all(template.load(name, task).scored for name in templates) else WRITES
