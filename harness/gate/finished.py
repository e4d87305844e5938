"""``harness check`` of what is answered already: sealed runs, and answers made elsewhere. Nothing is asked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from harness.compare import groups
from harness.errors import InputError
from harness.gate.criteria import NOTHING, Criteria
from harness.gate.verdict import Checked, judge
from harness.results import store
from harness.results.store import Run
from harness.study import grid
from harness.study.draft import Planned
from harness.study.items import Items
from harness.task.definition import Task
from harness.types import Predictor


def folders(task: Task, root: Path) -> list[Path]:
    """Those of the task's sealed runs below ``root``."""
    return store.find(root, task.name)


def sealed(task: Task, said: str, root: Path) -> Run:
    """The sealed run ``said``: its folder, or its name below ``root``. Raises InputError where there is none."""
    return store.load(store.named(said, root, task.name))


def answered(task: Task, predictor: Predictor, split: str, limit: int | None, without_overlap: bool, root: Path) -> Run:
    """The run of a predictor that has its answers, sealed below ``root``."""
    items = Items(task, split, limit, without_overlap)
    made = grid.execute(task, Planned(predictor, ()), items.examples, split, known=items.counts(trained=False))
    store.seal(made, root)
    return made


def check(
    task: Task,
    new: Sequence[Run],
    old: Sequence[Run],
    root: Path,
    metric: str | None,
    margin: float,
    criteria: Criteria = NOTHING,
) -> Checked:
    """The verdict on ``new`` against ``old``, each of one predictor, a run a seed. Raises InputError where they are not
    over the same items, or not of as many seeds."""
    grid.check_task(task, metric)
    groups.check([*new, *old])
    if new[0].task != task.name:
        raise InputError(f"{new[0].name} is a run of task {new[0].task!r}, not of {task.name!r}.")
    for side in (new, old):
        if len(groups.grouped(side)) > 1:
            raise InputError(
                f"{' and '.join(run.name for run in side)} differ in more than the seed, so they are no one side of a "
                "check. Name runs of one row."
            )
    new = [store.aligned(run, old[0]) for run in new]
    verdict = judge(new, old, metric or task.spec.main_metric, margin, more=criteria.findings(new, old))
    flipped = {flip.id for flip in (*verdict.worse, *verdict.better)}
    split = str(new[0].spec["split"])
    texts = {e.id: e.text for e in task.examples(split) if e.id in flipped} if split in task.spec.splits else {}
    return Checked(
        task.name,
        _named(new),
        _named(old),
        root / task.name / new[0].name,
        verdict,
        None,
        0,
        verdict.n,
        len(new),
        texts,
    )


def _named(runs: Sequence[Run]) -> str:
    return groups.describe(runs)
