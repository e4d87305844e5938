"""The template that a run asked with, if it still is what it was."""

from __future__ import annotations

from harness.errors import InputError
from harness.prompt.template import Template, load
from harness.task.definition import Task


def again(name: str, said: str, task: Task) -> tuple[Template | None, str]:
    """The template ``name`` where it still is what a signature ``said`` of it; else None, and what became of it."""
    try:
        found = load(name, task)
    except InputError:
        return None, f"template {name!r} is gone"
    if said != f"{name}@{found.digest[:8]}":
        return None, f"template {name!r} was changed since the run"
    return found, ""
