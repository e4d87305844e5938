"""`harness continual`: tasks learnt one after the other by one model, and what it forgets."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from harness import predictors
from harness.compare import differences
from harness.compare.retention import Learnt, Scores
from harness.engines.journal import Tell
from harness.errors import InputError, unknown
from harness.logs.silent import Silent
from harness.predictors.networks import Network
from harness.predictors.shared import Anchor, Shared, of_task
from harness.predictors.trained import Trained
from harness.predictors.training import train as fit
from harness.results import store
from harness.study import grid
from harness.study.draft import Progress
from harness.study.grid import Spec
from harness.study.items import Items
from harness.task import budgets
from harness.task.definition import Task
from harness.types import Engine, Example

STRATEGIES = ("none", "replay", "ewc")
JOINT = "joint"


@dataclass(frozen=True, kw_only=True)
class Course:
    """What is learnt: ``tasks`` in their order, by the baseline ``name``, with its parameters. ``buffer`` examples of
    each task before are trained on again (replay), or its weights are held with ``strength`` (ewc). Scores are on the
    split ``split``, of ``limit`` items a task."""

    tasks: Sequence[Task]
    name: str
    params: Mapping[str, Any] = field(default_factory=dict)
    strategies: Sequence[str] = STRATEGIES
    seeds: Sequence[int] = (0,)
    buffer: int = 50
    strength: float = 10_000.0
    split: str = "test"
    limit: int | None = None

    def __post_init__(self) -> None:
        for strategy in self.strategies:
            if strategy not in STRATEGIES:
                raise unknown("strategy", strategy, STRATEGIES, "--strategy")
        if len(self.tasks) < 2:
            raise InputError("--task names what is learnt one after the other: give two tasks or more.")
        for task in self.tasks:
            grid.check_task(task)
            made = self.learner(task, 0)
            if made.class_weights:
                raise InputError("--with class_weights: a batch may mix tasks here, whose labels differ. Leave it out.")

    def learner(self, task: Task, seed: int) -> Trained:
        """The untrained baseline of a task. Raises InputError for one that is not fine-tuned."""
        made = predictors.baseline(self.name, task, seed=seed, **self.params)
        if not isinstance(made, Trained):
            raise InputError(
                f"baseline {self.name!r}: what is trained on one task and goes on with the next is a network: "
                "finetune:MODEL, lora:MODEL, or another that is fine-tuned."
            )
        return made

    def items(self, task: Task) -> Sequence[Example]:
        """What a task is scored on."""
        return Items(task, self.split, self.limit).examples

    def learn(self, tell: Callable[[str], None] = lambda _: None) -> list[Learnt]:
        """Each strategy over all seeds, then joint training."""
        made = []
        for strategy in (*self.strategies, JOINT):
            scores: list[list[list[Scores | None]]] = []
            for seed in self.seeds:
                tell(f"{strategy}, seed {seed}")
                scores.append(Pass(self, strategy, seed).run(tell))
            made.append(Learnt(strategy, tuple(tuple(map(tuple, each)) for each in scores)))
        return made


class Pass:
    """One strategy with one seed: networks of all tasks on one body."""

    def __init__(self, course: Course, strategy: str, seed: int) -> None:
        self.course, self.strategy = course, strategy
        self.learners = [course.learner(task, seed) for task in course.tasks]
        self.parts: dict[str, Network] = {}
        body = None
        for task, learner in zip(course.tasks, self.learners, strict=True):
            self.parts[task.name] = learner.begin(body)
            body = self.parts[task.name].body
        self.anchors: list[Anchor] = []
        self.kept: list[Example] = []

    def run(self, tell: Callable[[str], None]) -> list[list[Scores | None]]:
        """(stages, tasks) scores of the items; None of a task that was not learnt by then. ``tell`` is told of each
        stage."""
        if self.strategy == JOINT:
            self.train(range(len(self.learners)))
            return [[self._scores(place) for place in range(len(self.learners))]]
        stages: list[list[Scores | None]] = []
        for stage in range(len(self.learners)):
            self.train([stage])
            known = [self._scores(place) for place in range(stage + 1)]
            tell(f"learnt {self.course.tasks[stage].name}: {[round(float(each.mean()), 3) for each in known]}")
            stages.append([*known, *[None] * (len(self.learners) - len(known))])
        return stages

    def train(self, places: Sequence[int]) -> None:
        """Train on the tasks at ``places``, together where they are several."""
        tasks = self.course.tasks
        own = [e for i in places for e in of_task(tasks[i].name, tasks[i].examples("train"))]
        dev = [e for i in places for e in of_task(tasks[i].name, self._dev(tasks[i]))]
        network = Shared(self.parts, self.anchors) if self.kept or len(places) > 1 else self._alone(places[0])
        fit(network, self.learners[places[0]].recipe, (), [*own, *self.kept], dev, Silent(Path(), "", "", {}))
        if self.strategy == "replay":
            self.kept += [own[i] for i in budgets.by_ids((e.id for e in own), min(self.course.buffer, len(own)))]
        if self.strategy == "ewc" and places[-1] + 1 < len(tasks):
            self.anchors.append(Anchor(self._alone(places[0], held=False), own, self.course.strength))

    def _alone(self, place: int, held: bool = True) -> Shared:
        """The network of one task, without the heads of others."""
        name = self.course.tasks[place].name
        return Shared({name: self.parts[name]}, self.anchors if held else ())

    @staticmethod
    def _dev(task: Task) -> Sequence[Example]:
        return task.examples("dev") if "dev" in task.spec.splits else ()

    def _scores(self, place: int) -> Scores:
        task, items = self.course.tasks[place], self.course.items(self.course.tasks[place])
        said = {each.example_id: each.output for each in self.learners[place].predict(items)}
        return np.array([task.kind.right(example, said[example.id]) for example in items], float)


def prompted(
    course: Course,
    spec: Spec,
    engines: Mapping[str, Engine],
    root: Path,
    progress: Progress = lambda *_: None,
    tell: Tell = lambda _: None,
) -> Learnt:
    """The prompt of ``spec``, which learns no task and forgets none, on the items of the course; ``engines`` by task.
    Its runs are sealed under ``root``."""
    found: list[Scores | None] = []
    for task in course.tasks:
        alone = replace(spec, split=course.split, limit=course.limit, baselines=(), seeds=spec.seeds[:1])
        ((run, _),) = grid.run(task, alone, [engines[task.name]], root, progress, tell=tell)
        items = course.items(task)
        like = store.aligned(run, replace(run, examples=tuple(replace(e, inputs={}) for e in items)))
        found.append(differences.hits(like))
    return Learnt("prompt", ((tuple(found),),))
