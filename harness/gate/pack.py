"""All templates with their saved baselines, and the baselines that are left behind."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from harness import builtin
from harness.errors import InputError, unknown
from harness.gate import saved
from harness.gate.failure import Cause, Failure
from harness.gate.question import find_baseline

SKIPPED = ("node_modules", "__pycache__", "site-packages")  # and hidden folders; other projects have a tasks/ folder


@dataclass(frozen=True, slots=True)
class Kept:
    """A template of a task, and its saved baseline if it has one."""

    task: str
    template: str
    baseline: Path | None


def pack(results: Path) -> tuple[list[Kept], list[Failure]]:
    """Every template of every task, also those beside whose ``.j2`` file, anywhere in the working folder, a baseline is
    saved; and a failure for each baseline whose template or task is gone. ``results`` holds none."""
    tasks = builtin.names("tasks")
    kept = [
        Kept(task, name, find_baseline(task, name))
        for task in tasks
        for name in builtin.names(f"prompts/{task}", ".j2")
    ]
    known = {each.baseline.resolve() for each in kept if each.baseline}
    lost = []
    for path in _saved(results):
        if path.resolve() in known:
            continue
        try:
            kept.append(_kept(path, tasks))
        except InputError as error:
            lost.append(Failure(str(path), str(error).removeprefix(f"{path}: "), Cause.LEFT))
    return kept, lost


def _kept(path: Path, tasks: list[str]) -> Kept:
    """The template that the baseline at ``path`` belongs to. Raises InputError where there is none."""
    name = path.name.removesuffix(saved.SUFFIX)
    inside = len(path.parts) == 3 and path.parts[0] == "prompts"
    task = path.parts[1] if inside else str(saved.document(path).get("task"))
    beside = path.with_name(f"{name}.j2")
    whose = f"the saved baseline of template {name!r} of task {task!r}"
    if task not in tasks:
        raise InputError(
            f"{unknown('task', task, tasks, str(path))} This is {whose}: if the task was renamed, save it anew there "
            "and delete this one; else bring the task back, or delete it."
        )
    if inside and builtin.find("prompts", task, f"{name}.j2"):
        return Kept(task, name, path)
    if not inside and beside.is_file():
        return Kept(task, str(beside), path)
    raise InputError(
        f"{path}: {whose}, but there is no {beside}. If the template was renamed, rename its baseline with it; else "
        "delete it."
    )


def _saved(results: Path) -> Iterator[Path]:
    """Every saved baseline in the working folder, relative to it."""
    skipped = results.resolve()
    for folder, inner, files in os.walk("."):
        here = Path(folder)
        inner[:] = sorted(
            name
            for name in inner
            if not name.startswith(".")
            and name not in SKIPPED
            and (here / name).resolve() != skipped
            and not (here / name / "tasks").is_dir()
        )
        yield from (here / name for name in sorted(files) if name.endswith(saved.SUFFIX))
