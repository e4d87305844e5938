"""``harness list``: what there is, each with a line that says what it is."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from pathlib import Path

from harness import builtin
from harness.errors import HarnessError, InputError
from harness.plugins import Table

Entries = list[tuple[str, str]]


def entries(kind: str, task: str | None, results: Path, tell: Callable[[InputError], None]) -> Entries:
    """(name, description) of everything of ``kind``; ``task`` narrows templates and runs. What is wrong with a run that
    cannot be read is told."""
    from harness import calibration, engines, kinds, metrics, predictors
    from harness.prompt import selectors

    tables: dict[str, Table] = {
        "selectors": selectors.SELECTORS,
        "engines": engines.ENGINES,
        "baselines": predictors.BASELINES,
        "metrics": metrics.METRICS,
        "calibrations": calibration.CALIBRATIONS,
        "kinds": kinds.KINDS,
    }
    if kind in tables:
        return summaries(tables[kind])
    if kind == "tasks":
        return [(name, _task(name)) for name in builtin.names("tasks")]
    if kind == "templates":
        return [
            (f"{name}/{template}", _template(name, template))
            for name in builtin.names("tasks")
            if task in (None, name)
            for template in builtin.names(f"prompts/{name}", ".j2")
        ]
    return list(_runs(results, task, tell))


def summaries(table: Table) -> Entries:
    """(name, description) of everything in ``table``."""
    return [(name, _summary(table, name)) for name in table]


def _summary(table: Table, name: str) -> str:
    """The first sentence of the class's docstring; of a plugin that cannot be imported, why."""
    try:
        doc = inspect.getdoc(table.find(name)) or ""
    except InputError as error:
        return f"broken: {error}"
    return " ".join(doc.split()).split(". ")[0].rstrip(".").replace("``", "")


def _task(name: str) -> str:
    from harness.task.definition import load

    try:
        spec = load(name).spec
    except HarnessError as error:
        return f"broken: {error}"
    return f"{spec.kind}, {spec.language}, {spec.domain}: {spec.description}"


def _template(name: str, template: str) -> str:
    from harness.prompt.template import load
    from harness.task.definition import load as load_task

    try:
        return load(template, load_task(name)).settings.description
    except HarnessError as error:
        return f"broken: {error}"


def _runs(results: Path, task: str | None, tell: Callable[[InputError], None]) -> Iterator[tuple[str, str]]:
    from harness.results.store import find, load

    for folder in find(results, task):
        try:
            run = load(folder)
        except InputError as error:
            tell(error)
        else:
            main = run.spec["main_metric"]
            yield f"{folder.parent.name}/{folder.name}", f"n {run.spec['n']}  {main} {run.scores[main][0]:.3f}"
