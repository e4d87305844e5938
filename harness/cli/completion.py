"""Names of tasks, templates and runs, for a shell that completes what is typed."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import click

from harness import builtin


def tasks(_: click.Context, __: click.Parameter, typed: str) -> list[str]:
    return _behind(typed, builtin.names("tasks"))


def templates(ctx: click.Context, _: click.Parameter, typed: str) -> list[str]:
    """Those of the tasks that were named before; of all, where none was."""
    named = ctx.params.get("tasks") or ctx.params.get("name") or builtin.names("tasks")
    chosen = [named] if isinstance(named, str) else named
    return _behind(typed, sorted({name for task in chosen for name in builtin.names(f"prompts/{task}", ".j2")}))


def probes(_: click.Context, __: click.Parameter, typed: str) -> list[str]:
    from harness.probe import PROBES

    return _behind(typed, list(PROBES))


def runs(ctx: click.Context, _: click.Parameter, typed: str) -> list[str]:
    """Those of the task that was named before; of all, where none was."""
    root, task = Path(ctx.params.get("results") or "results"), ctx.params.get("name") or "*"
    return _behind(typed, sorted(path.parent.name for path in root.glob(f"{task}/[!.]*/run.json")))


def _behind(typed: str, names: Iterable[str]) -> list[str]:
    """``names`` that go on from what stands behind the last comma, with all before it."""
    before, comma, begun = typed.rpartition(",")
    return [f"{before}{comma}{name}" for name in names if name.startswith(begun)]
