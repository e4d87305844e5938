"""What a sealed run does not keep, from its task as it is now: the items' texts, and those of demonstrations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from harness.errors import InputError
from harness.results import store
from harness.results.columns import Examples
from harness.results.store import Run
from harness.task import definition
from harness.task.definition import Task
from harness.types import Example


@dataclass(frozen=True, slots=True)
class Texts:
    """``items`` are those of the runs, with their inputs and in their order, and ``train`` is the split that their
    demonstrations are of; None where they are not what they were, and then ``notes`` say so. ``demos`` are the
    demonstrations that any run showed, by id."""

    task: Task | None
    items: Sequence[Example] | None
    train: Examples | None
    demos: Mapping[str, Example] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def texts(runs: Sequence[Run]) -> Texts:
    """Those of ``runs``, which are over the same items in one order."""
    first = runs[0]
    try:
        task = definition.load(first.task)
    except InputError as error:
        return Texts(None, None, None, notes=(f"The texts of the items are not known: {error}",))
    items, why = _items(task, first)
    notes = [f"The texts of the items are not known: {why}"] if items is None else []
    shown = dict.fromkeys(name for run in runs for p in run.predictions if p.trace for name in p.trace.demos)
    if not shown:
        return Texts(task, items, None, notes=tuple(notes))
    train, why = _train(task, [run for run in runs if run.spec["shots"]])
    if train is None:
        notes.append(f"The demonstrations are not known: {why}")
        return Texts(task, items, None, notes=tuple(notes))
    places = {name: place for place, name in enumerate(train.ids)}
    demos = {name: train[places[name]] for name in shown if name in places}
    return Texts(task, items, train, demos, tuple(notes))


def _items(task: Task, run: Run) -> tuple[Sequence[Example] | None, str]:
    """The run's items, or why they cannot be had."""
    try:
        split = task.examples(str(run.spec["split"]))
    except InputError as error:
        return None, str(error)
    places = {name: place for place, name in enumerate(split.ids)}
    if missing := next((each.id for each in run.examples if each.id not in places), None):
        return None, f"item {missing!r} is gone from task {task.name!r}."
    items = split.take([places[each.id] for each in run.examples])
    if store.items_hash(items) != run.items_hash:
        return None, f"the items of task {task.name!r} read otherwise than when they were answered."
    return items, ""


def _train(task: Task, runs: Sequence[Run]) -> tuple[Examples | None, str]:
    """The train split, if it still is that of the runs."""
    try:
        train = task.examples("train")
    except InputError as error:
        return None, str(error)
    if {dict(run.signature.pairs).get("train") for run in runs} != {store.items_hash(train)}:
        return None, f"the train split of task {task.name!r} is no longer that of the runs."
    return train, ""
