"""`harness transfer`: learnt on one task, tested on another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from harness import predictors
from harness.compare import differences, groups, transferred
from harness.compare.transferred import Cell
from harness.engines.journal import Journal, Tell
from harness.errors import InputError, unknown
from harness.predictors.prompted import Prompted
from harness.predictors.trained import Trained
from harness.prompt import template
from harness.results import store
from harness.results.store import Run
from harness.results.vault import Vault
from harness.study import grid
from harness.study.continual import Course, Pass
from harness.study.draft import Planned, Progress
from harness.study.grid import Spec
from harness.study.items import Items
from harness.task.definition import Task
from harness.types import Engine, Example, Prediction

Label = tuple[str, str]  # of a task


class Counterparts:
    """Which labels of two tasks mean the same: those that are said to, such as ``news.good=reviews.positive``, and of
    the others those of one name."""

    def __init__(self, said: Sequence[str], tasks: Collection[Task]) -> None:
        self.pairs: set[tuple[Label, Label]] = set()
        known = {task.name: task.kind.outputs for task in tasks}
        for each in said:
            sides = [side.strip().partition(".") for side in each.split("=")]
            if len(sides) != 2 or not all(label for _, _, label in sides):
                raise InputError(f"--map {each!r}: give TASK.LABEL=TASK.LABEL, such as news.good=reviews.positive.")
            for name, _, label in sides:
                if name not in known:
                    raise unknown("task", name, known, f"--map {each}")
                if label not in known[name]:
                    raise unknown("label", label, known[name], f"--map {each}: task {name!r}")
            one, two = ((name, label) for name, _, label in sides)
            self.pairs |= {(one, two), (two, one)}

    def of(self, task: Task, other: Task) -> dict[str, tuple[str, ...]]:
        """Each label of ``task``, with those of ``other`` that mean the same."""
        found = {}
        for label in task.kind.outputs:
            said = tuple(o for o in other.kind.outputs if ((task.name, label), (other.name, o)) in self.pairs)
            same = tuple(o for o in other.kind.outputs if o == label and not self._said(other.name, o, task.name))
            found[label] = said or same
        return found

    def _said(self, task: str, label: str, other: str) -> bool:
        return any(one == (task, label) and two[0] == other for one, two in self.pairs)


@dataclass(frozen=True, kw_only=True)
class Transfer:
    """Baselines and a prompt of ``spec`` that learn on each of ``train`` and are tested on each of ``test``; ``then``
    adds baselines that learn on one and go on with the other. Runs that learn where they are tested are sealed under
    ``root``."""

    train: Sequence[Task]
    test: Sequence[Task]
    spec: Spec
    counterparts: Counterparts
    root: Path
    engine: Engine | None = None
    then: bool = False
    metric: str | None = None
    progress: Progress = lambda *_: None
    tell: Tell = lambda _: None

    def cells(self) -> Iterator[Cell]:
        """One for each predictor, of each train and test task, in their order."""
        for task in (*self.train, *self.test):
            grid.check_task(task)
            if not task.kind.outputs:
                raise InputError(
                    f"task {task.name!r}: an item of kind {task.kind.name} is not of one label, so labels of another "
                    "task have no counterpart in it. Transfer is between tasks with a label an item."
                )
        for name in self.spec.baselines:
            if self.then and not issubclass(predictors.BASELINES.find(predictors.parted(name)[0]), Trained):
                raise InputError(f"--then goes on training a network, and {name!r} is none. Use finetune or lora.")
        for test in self.test:
            own = self._own(test)
            for train in self.train:
                for title, home in own.items():
                    yield from self._cells(train, test, title, home)

    def _own(self, task: Task) -> dict[str, tuple[Run, ...]]:
        """The runs of what learns where it is tested, by what they are called."""
        engines = [self.engine] if self.engine else []
        made = grid.run(task, self.spec, engines, self.root, self.progress, tell=self.tell)
        found = groups.grouped([run for run, _ in made])
        return {groups.describe(group): group for group in found}

    def _cells(self, train: Task, test: Task, title: str, home: Sequence[Run]) -> Iterator[Cell]:
        items = Items(test, self.spec.split, self.spec.limit, self.spec.without_overlap).examples
        back = self.counterparts.of(test, train) if train.name != test.name else {o: (o,) for o in test.kind.outputs}
        kept = [example for example in items if back[example.target]]
        left_out = Counter(example.target for example in items if not back[example.target])
        if not kept:
            raise InputError(
                f"no label of {test.name!r} ({', '.join(test.kind.outputs)}) has a counterpart in {train.name!r} "
                f"({', '.join(train.kind.outputs)}). Say which mean the same: --map "
                f"{train.name}.{train.kind.outputs[0]}={test.name}.{test.kind.outputs[0]}"
            )
        named = (title, train.name, test.name)
        if train.name == test.name:
            yield self._cell(named, test, kept, [_on(run, kept) for run in home], home, left_out)
            return
        prompted = groups.prompted(home[0])
        if prompted and not home[0].spec["shots"]:
            return  # it learns nothing anywhere
        if prompted:
            said = [self._shown(train, test, kept, run, back) for run in home]
        else:
            said = [_translated(self._learnt(train, run, kept), kept, back) for run in home]
        yield self._cell(named, test, kept, said, home, left_out)
        if self.then and not prompted:
            gone_on = [self._gone_on(train, test, run, kept) for run in home]
            yield self._cell((title, f"{train.name}, then {test.name}", test.name), test, kept, gone_on, home, left_out)

    def _cell(
        self,
        named: tuple[str, str, str],
        test: Task,
        kept: Sequence[Example],
        said: Sequence[Sequence[Prediction]],
        home: Sequence[Run],
        left_out: Mapping[str, int],
    ) -> Cell:
        name = self.metric or test.spec.main_metric
        metric = differences.family(name, test.kind)
        there = [metric.statistics(kept, each) for each in said]
        own = [metric.statistics(kept, _on(run, kept)) for run in home]
        return transferred.cell(named, metric, name, (there, own), store.clusters(kept), left_out)

    def _name(self, run: Run) -> str:
        """The baseline of a run, as it was asked for."""
        return next(name for name in self.spec.baselines if name in groups.baselines(run))

    def _learnt(self, train: Task, run: Run, kept: Sequence[Example]) -> list[Prediction]:
        """What the baseline of ``run`` says that has learnt on ``train``."""
        name = self._name(run)
        made = predictors.baseline(
            name, train, run.spec["seed"], Vault(self.root / "models", self.tell), **grid.given(self.spec)[name]
        )
        made.fit(train.examples("train"), train.examples("dev") if "dev" in train.spec.splits else ())
        return _ordered(made.predict(kept), kept)

    def _gone_on(self, train: Task, test: Task, run: Run, kept: Sequence[Example]) -> list[Prediction]:
        """What the baseline of ``run`` says that has learnt on ``train`` and then on ``test``."""
        name, seed = self._name(run), run.spec["seed"]
        course = Course(tasks=(train, test), name=name, params=grid.given(self.spec)[name], seeds=(seed,))
        learnt = Pass(course, "none", seed)
        for stage in range(2):
            learnt.train([stage])
        return _ordered(learnt.learners[1].predict(kept), kept)

    def _shown(
        self, train: Task, test: Task, kept: Sequence[Example], run: Run, back: Mapping[str, Sequence[str]]
    ) -> list[Prediction]:
        """What the prompt of ``run`` says whose demonstrations come from ``train``, in the words of ``test``."""
        names, others = list(test.spec.inputs), list(train.spec.inputs)
        if len(names) != len(others):
            raise InputError(
                f"demonstrations from {train.name!r} have the inputs {', '.join(others)}, and the templates of "
                f"{test.name!r} show {', '.join(names)}. Transfer prompts between tasks with as many inputs."
            )
        forth: dict[str, str] = {}
        for label, same in back.items():
            for other in same:
                forth.setdefault(other, label)
        pool = [
            replace(e, inputs=dict(zip(names, e.inputs.values(), strict=True)), target=forth[e.target])
            for e in train.examples("train")
            if e.target in forth
        ]
        spec, engine = self.spec, self.engine
        assert engine is not None
        with Journal(self.root / "journal.sqlite", self.tell) as journal:
            selector = spec.select_by(spec.selectors[0], run.spec["seed"], test.kind)
            prompt = Prompted(
                template.load(spec.templates[0], test), engine, selector, run.spec["shots"], spec.order,
                run.spec["seed"], spec.mode, spec.overlength, journal, spec.calibrations[0], spec.calibrate_on,
                spec.normalize,
            )  # fmt: skip
            made = grid.execute(test, Planned(prompt, pool), kept, spec.split, (), self.progress)
        return list(made.predictions)


def _ordered(said: Iterator[Prediction], items: Sequence[Example]) -> list[Prediction]:
    found = {each.example_id: each for each in said}
    return [found[example.id] for example in items]


def _on(run: Run, items: Sequence[Example]) -> list[Prediction]:
    """A run's predictions of ``items``."""
    return _ordered(iter(run.predictions), items)


def _translated(
    said: Sequence[Prediction], items: Sequence[Example], back: Mapping[str, Sequence[str]]
) -> list[Prediction]:
    """``said`` in the labels of the items: right where the answer means the target's; an answer that means none of the
    labels is no answer, and wrong."""
    out = []
    for each, example in zip(said, items, strict=True):
        labels = [label for label, same in back.items() if each.output in same]
        meant = example.target if example.target in labels else next(iter(labels), None)
        out.append(replace(each, output=meant, label_logprobs=None))
    return out
