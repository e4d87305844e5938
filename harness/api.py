"""The Python interface: what a notebook needs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness import engines, predictors
from harness.compare import differences as comparison
from harness.compare import groups
from harness.engines.ray import replicate
from harness.gate import verdict
from harness.gate.verdict import Verdict
from harness.predictors.prompted import Prompted
from harness.prompt.template import load as load_template
from harness.report import Table
from harness.results import store
from harness.results.store import Run
from harness.study import defaults, grid
from harness.study.asking import Asking
from harness.study.draft import Planned
from harness.study.items import Items
from harness.task import budgets, definition
from harness.task.definition import Task
from harness.types import Engine, Predictor


def load_task(name: str) -> Task:
    """The task ``tasks/NAME`` of the working folder, or the built-in one of that name."""
    return definition.load(name)


def prompted(
    task: Task,
    template: str = "plain",
    shots: int = 0,
    model: str | None = None,
    engine: str = "auto",
    selector: str = "auto",
    order: str = "ascending",
    seed: int = 0,
    mode: str = "auto",
    overlength: str = "error",
    calibrate: str = "none",
    calibrate_on: str = "train:64",
    normalize: str = "sum",
    ray: str | None = None,
    replicas: int | None = None,
    **options: Any,
) -> Prompted:
    """A prompted model as a predictor. Without a ``model``, ``tiny`` scores answers and ``smollm2`` writes them.
    ``options`` go to the engine (``revision``, ``dtype`` …). ``ray`` (auto, local
    or an address) spreads it over a cluster as ``replicas``, until its ``engine`` is closed."""
    chosen = Asking().select_by(selector, seed, task.kind)
    model = model or defaults.model(task, [template])
    made: Engine
    if ray is None:
        made = engines.create(engine, model, **options)
    else:
        (made,) = replicate(engine, [model], options, ray, replicas)
    return Prompted(
        load_template(template, task),
        made,
        chosen,
        shots,
        order,
        seed,
        mode,
        overlength,
        None,
        calibrate,
        calibrate_on,
        normalize,
    )


def baseline(name: str, task: Task, **params: Any) -> Predictor:
    """The baseline ``name`` as a predictor."""
    return predictors.baseline(name, task, **params)


def evaluate(
    predictor: Predictor,
    task: Task,
    split: str = "test",
    limit: int | None = None,
    train_size: str = "full",
    without_overlap: bool = False,
) -> Run:
    """Fit ``predictor`` on the train split, or a sample of it by the predictor's seed (100, 10/class), and score it on
    ``split``, or on ``limit`` of its items, chosen by their ids; ``without_overlap``, on those whose text is not, nor
    nearly, that of a train item. Nothing is written; see ``save``."""
    grid.check_task(task)
    train = budgets.sample(task.kind, task.examples("train"), train_size, predictor.seed)
    dev = task.examples("dev") if "dev" in task.spec.splits else ()
    planned = Planned(predictor, train, None if train_size == budgets.FULL else train_size)
    items = Items(task, split, limit, without_overlap)
    known = items.counts(trained=not isinstance(predictor, Prompted))
    return grid.execute(task, planned, items.examples, split, dev, known=known)


def compare(runs: Sequence[Run], metric: str | None = None, reference: str | None = None) -> Table:
    """Runs on the same items side by side, each with its paired difference from the reference."""
    return Table(comparison.compare(runs, metric, reference))


def check(new: Run, old: Run, margin: float = 0.02, metric: str | None = None) -> Verdict:
    """Whether ``new`` is worse than ``old`` by more than ``margin``, a share, on the same items: what the gate decides,
    by ``metric`` or the task's main one. Raises InputError where the items differ."""
    groups.check([new, old])
    return verdict.judge([new], [old], metric or str(new.spec["main_metric"]), margin)


def save(run: Run, folder: str | Path = "results") -> Path:
    """Seal ``run`` below ``folder``, as the command line does."""
    store.check_writable(Path(folder))
    return store.seal(run, Path(folder))


def load_run(folder: str | Path) -> Run:
    """The run sealed in ``folder``, its checksum verified."""
    return store.load(Path(folder))
