"""The grid of runs that a command asks for: each predictor fitted on train, asked about test, scored and sealed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path

from harness import metrics, predictors
from harness.engines.inference import Inquiry, Workload
from harness.engines.journal import Journal, Tell
from harness.errors import HarnessError, InputError, unknown
from harness.predictors.prompted import Prompted
from harness.prompt import template
from harness.prompt.selectors import Selection
from harness.results import store
from harness.results.store import Run
from harness.results.vault import Vault
from harness.study.asking import Asking
from harness.study.draft import Draft, Planned, Progress, Unanswered
from harness.study.items import Items
from harness.task import budgets
from harness.task.definition import Task
from harness.types import Engine, Example

Announce = Callable[[Engine, Workload], None]
"""Called with what an engine is about to be asked."""


@dataclass(frozen=True, kw_only=True)
class Spec(Asking):
    """What to run on one task: templates x shots x selectors x seeds x calibrations for each engine, and the baselines
    x train sizes (see ``budgets``) x seeds. ``params`` sets parameters of the baselines: ``epochs`` of every one that
    has it, or ``lora.epochs`` of one."""

    templates: Sequence[str] = ("plain",)
    shots: Sequence[int] = (0,)
    selectors: Sequence[str] = ("balanced",)
    seeds: Sequence[int] = (0,)
    calibrations: Sequence[str] = ("none",)
    baselines: Sequence[str] = ()
    train_sizes: Sequence[str] = (budgets.FULL,)
    params: Mapping[str, str] = field(default_factory=dict)

    def budgets(self, train: Sequence[Example], seed: int) -> Iterator[tuple[str, tuple[Example, ...]]]:
        """The samples a baseline is trained on: for ``shots``, what each of the prompts' draws shows."""
        for size in self.train_sizes:
            if budgets.check(size) != budgets.SHOTS:
                yield size, budgets.sample(train, size, seed)
                continue
            if not any(self.shots):
                raise InputError("--train-size shots trains on what the prompts show, but --shots asks for none.")
            for shots, name in product(filter(None, self.shots), self.selectors):
                selection = Selection(self.select_by(name, seed), train, shots, self.order, seed)
                yield f"{shots} shots ({name})", selection.shared()


def plan(
    task: Task,
    spec: Spec,
    engines: Sequence[Engine],
    journal: Journal | None = None,
    vault: Vault | None = None,
    indexes: Vault | None = None,
) -> list[Planned]:
    """The grid. What draws nothing (the majority, zero shots) is run for one seed only. ``vault`` keeps trained models,
    ``indexes`` those of large pools."""
    made: list[Planned] = []
    train = task.examples("train")
    for name, params in given(spec).items():
        for seed in spec.seeds:
            for size, sample in spec.budgets(train, seed):
                predictor = predictors.baseline(name, task, seed=seed, vault=vault, **params)
                if seed == spec.seeds[0] or predictor.drawn or size != budgets.FULL:
                    made.append(Planned(predictor, sample, None if size == budgets.FULL else size))
    dimensions = (engines, spec.templates, spec.shots, spec.selectors, spec.seeds, spec.calibrations)
    for engine, name, shots, chosen, seed, calibrate in product(*dimensions):
        if shots == 0 and (chosen, seed) != (spec.selectors[0], spec.seeds[0]):
            continue
        selector = spec.select_by(chosen, seed, indexes)
        loaded = template.load(name, task)
        made.append(
            Planned(
                Prompted(
                    loaded,
                    engine,
                    selector,
                    shots,
                    spec.order,
                    seed,
                    spec.mode,
                    spec.overlength,
                    journal,
                    calibrate,
                    spec.calibrate_on,
                    spec.normalize,
                ),
                train,
            )
        )
    return made


def given(spec: Spec) -> dict[str, dict[str, str]]:
    """The parameters set for each baseline of ``spec``. Raises InputError for one that none of them takes."""
    found: dict[str, dict[str, str]] = {name: {} for name in spec.baselines}
    for key, value in spec.params.items():
        only, _, param = key.rpartition(".")
        takers = [
            name
            for name in spec.baselines
            if only in ("", name.partition(":")[0]) and param in predictors.parameters(name.partition(":")[0])
        ]
        if not takers:
            known = {p for name in spec.baselines for p in predictors.parameters(name.partition(":")[0])}
            raise unknown("parameter of the baselines", key, sorted(known), "--with")
        for name in takers:
            found[name][param] = value
    return found


def run(
    task: Task,
    spec: Spec,
    engines: Sequence[Engine],
    root: Path,
    progress: Progress = lambda *_: None,
    announce: Announce | None = None,
    tell: Tell = lambda _: None,
) -> Iterator[tuple[Run, Path]]:
    """Run the grid, yielding each run with the folder it is sealed in: the baselines one by one, then all prompts of an
    engine together, since they are planned as one. ``usage`` is this invocation's: what the journal and the vault under
    ``root`` already hold is not computed or trained again. Where there is someone to ``announce`` it to, all prompts
    are measured before the first is asked. A run in which every item has failed is not sealed; when all others are,
    that is raised as HarnessError. ``tell`` is called with what was damaged, awaited or could not be kept."""
    check_task(task)
    store.check_writable(root)
    unanswered: list[Unanswered] = []
    with Journal(root / "journal.sqlite", tell) as journal:
        items = Items(task, spec.split, spec.limit, spec.without_overlap)
        test = items.examples
        dev = task.examples("dev") if "dev" in task.spec.splits else ()
        planned = plan(task, spec, engines, journal, Vault(root / "models", tell), Vault(root / "indexes", tell))
        for each in planned:
            if not isinstance(each.predictor, Prompted):
                try:
                    known = items.counts(trained=True)
                    made = execute(task, each, test, spec.split, dev, progress, known, spec.on_failure)
                except Unanswered as error:
                    unanswered.append(error)
                    continue
                yield made, store.seal(made, root)
        for engine in engines:
            known = items.counts(trained=False)
            drafts = [
                Draft(task, each, test, spec.split, dev, progress, known, spec.on_failure)
                for each in asking(planned, engine)
            ]
            if not drafts:
                continue
            begun = time.perf_counter()
            inquiry = _inquiry([draft.planned for draft in drafts], test)
            if announce:
                announce(engine, inquiry.workload)
            for draft in drafts:
                draft.seconds += (time.perf_counter() - begun) / len(drafts)
            begun = time.perf_counter()
            for place, prediction in inquiry.predictions():
                drafts[place].take(prediction, 0.0)
            spent, usages = time.perf_counter() - begun, inquiry.costs.usages()
            tokens = [usage.computed + usage.generated for usage in usages]
            for draft, usage, own, damaged in zip(drafts, usages, tokens, inquiry.damaged, strict=True):
                draft.charge(usage, spent * (own / sum(tokens) if any(tokens) else 1 / len(drafts)), damaged)
            for draft in drafts:
                try:
                    made = draft.run()
                except Unanswered as error:
                    unanswered.append(error)
                    continue
                yield made, store.seal(made, root)
    if unanswered:
        raise HarnessError(" ".join(map(str, unanswered)))


def workloads(task: Task, spec: Spec, engines: Sequence[Engine], root: Path) -> list[tuple[Engine, Workload]]:
    """What each engine would be asked by ``run``; nothing is computed and nothing written."""
    check_task(task)
    test = Items(task, spec.split, spec.limit, spec.without_overlap).examples
    with Journal(root / "journal.sqlite") as journal:
        planned = plan(task, spec, engines, journal)
        found = []
        for engine in engines:
            prompts = asking(planned, engine)
            for each in prompts:
                each.predictor.fit(each.train)
            if prompts:
                found.append((engine, _inquiry(prompts, test).workload))
        return found


def asking(planned: Sequence[Planned], engine: Engine) -> list[Planned]:
    """The prompts among ``planned`` that ask ``engine``."""
    return [p for p in planned if isinstance(p.predictor, Prompted) and p.predictor.engine is engine]


def _inquiry(planned: Sequence[Planned], test: Sequence[Example]) -> Inquiry:
    return Inquiry([each.predictor for each in planned if isinstance(each.predictor, Prompted)], test)


def execute(
    task: Task,
    planned: Planned,
    test: Sequence[Example],
    split: str = "test",
    dev: Sequence[Example] = (),
    progress: Progress = lambda *_: None,
    known: Mapping[str, int] | None = None,
    on_failure: str = "count",
) -> Run:
    """Fit one predictor, ask it about ``test`` and score the answers. ``dev`` may tell it when to stop; ``known`` are
    counts that the run holds besides its own."""
    draft = Draft(task, planned, test, split, dev, progress, known, on_failure)
    begun = time.perf_counter()
    for prediction in planned.predictor.predict(test):
        draft.take(prediction, time.perf_counter() - begun)
        begun = time.perf_counter()
    return draft.run()


def check_task(task: Task, metric: str | None = None) -> None:
    """Raises InputError for metrics that do not exist, before anything runs; ``metric`` is one to compare by."""
    names = [name for family in task.spec.metrics for name in metrics.create(family, task.kind).names]
    if task.spec.main_metric not in names:
        raise InputError(f"task {task.name!r}: main_metric {task.spec.main_metric!r} is no single value.")
    if metric is not None and metric not in names:
        raise unknown("metric", metric, names, f"task {task.name!r}")
