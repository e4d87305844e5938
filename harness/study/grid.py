"""The grid of runs that a command asks for: each predictor fitted on train, asked about test, scored and sealed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path

from harness import metrics, params, predictors
from harness.engines.inference import Inquiry, Workload
from harness.engines.journal import Journal, Tell
from harness.errors import HarnessError, InputError, unknown
from harness.kinds import Kind
from harness.predictors.prompted import MODES, Prompted
from harness.predictors.recorded import Recorded
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
    x train sizes (see ``budgets``) x seeds. One baseline may stand there twice, with parameters of its own in its name:
    ``finetune`` and ``finetune+augment=word-dropout``. ``params`` sets parameters of the baselines: ``epochs`` of every
    one that has it, or ``lora.epochs`` of one. ``recorded`` are answers made elsewhere; ``partial`` asks about those
    items only that all of them answer. ``study`` is what was asked for, in words that repeat it: runs keep it."""

    templates: Sequence[str] = ("plain",)
    shots: Sequence[int] = (0,)
    selectors: Sequence[str] = ("auto",)
    seeds: Sequence[int] = (0,)
    calibrations: Sequence[str] = ("none",)
    baselines: Sequence[str] = ()
    train_sizes: Sequence[str] = (budgets.FULL,)
    params: Mapping[str, str] = field(default_factory=dict)
    recorded: Sequence[Recorded] = ()
    partial: bool = False
    study: str = ""

    def budgets(self, kind: Kind, train: Sequence[Example], seed: int) -> Iterator[tuple[str, tuple[Example, ...]]]:
        """The samples a baseline is trained on: for ``shots``, what each of the prompts' draws shows."""
        for size in self.train_sizes:
            if budgets.check(size) != budgets.SHOTS:
                yield size, budgets.sample(kind, train, size, seed)
                continue
            if not any(self.shots):
                raise InputError("--train-size shots trains on what the prompts show, but --shots asks for none.")
            for shots, name in product(filter(None, self.shots), self.selectors):
                selection = Selection(self.select_by(name, seed, kind), train, shots, self.order, seed)
                yield f"{shots} shots ({selection.selector.name})", selection.shared()


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
    for name, own in given(spec).items():
        for seed in spec.seeds:
            for size, sample in spec.budgets(task.kind, train, seed):
                predictor = predictors.baseline(name, task, seed=seed, vault=vault, **own)
                if seed == spec.seeds[0] or predictor.drawn or size != budgets.FULL:
                    settled = "+".join(f"{key}={value}" for key, value in predictors.parted(name)[2].items())
                    made.append(Planned(predictor, sample, None if size == budgets.FULL else size, settled))
    made += [Planned(answers, ()) for answers in spec.recorded]
    dimensions = (engines, spec.templates, spec.shots, spec.selectors, spec.seeds, spec.calibrations)
    for engine, name, shots, chosen, seed, calibrate in product(*dimensions):
        if shots == 0 and (chosen, seed) != (spec.selectors[0], spec.seeds[0]):
            continue
        selector = spec.select_by(chosen, seed, task.kind, indexes)
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
    takers = {name: predictors.parameters(predictors.parted(name)[0]) for name in spec.baselines}
    return params.dealt(spec.params, takers, "parameter of the baselines", "--with")


def run(
    task: Task,
    spec: Spec,
    engines: Sequence[Engine],
    root: Path,
    progress: Progress = lambda *_: None,
    announce: Announce | None = None,
    tell: Tell = lambda _: None,
    only: Callable[[Planned], bool] = lambda _: True,
) -> Iterator[tuple[Run, Path]]:
    """Run the grid, or ``only`` a part of what is planned, yielding each run with the folder it is sealed in: the
    baselines one by one, then all prompts of an engine together, since they are planned as one. ``usage`` is this
    invocation's: what the journal and the vault under ``root`` already hold is not computed or trained again. Where
    there is someone to ``announce`` it to, all prompts are measured before the first is asked. A run in which every
    item has failed is not sealed; when all others are, that is raised as HarnessError. ``tell`` is called with what was
    damaged, awaited or could not be kept."""
    check_task(task)
    store.check_writable(root)
    unanswered: list[Unanswered] = []
    with Journal(root / "journal.sqlite", tell) as journal:
        items = _items(task, spec)
        test = items.examples
        dev = task.examples("dev") if "dev" in task.spec.splits else ()
        whole = plan(task, spec, engines, journal, Vault(root / "models", tell), Vault(root / "indexes", tell))
        planned = [each for each in whole if only(each)]
        for each in planned:
            if not isinstance(each.predictor, Prompted):
                try:
                    known = items.counts(trained=not isinstance(each.predictor, Recorded))
                    made = execute(task, each, test, spec.split, dev, progress, known, spec.on_failure)
                except Unanswered as error:
                    unanswered.append(error)
                    continue
                yield made, store.seal(_named(made, spec), root)
        for _, made in answered(task, spec, planned, engines, items, progress, announce, unanswered):
            yield made, store.seal(_named(made, spec), root)
    if unanswered:
        raise HarnessError(" ".join(map(str, unanswered)))


def answered(
    task: Task,
    spec: Spec,
    planned: Sequence[Planned],
    engines: Sequence[Engine],
    items: Items,
    progress: Progress = lambda *_: None,
    announce: Announce | None = None,
    unanswered: list[Unanswered] | None = None,
) -> Iterator[tuple[Planned, Run]]:
    """The runs of the prompts among ``planned``, sealed nowhere: all of an engine are asked together, since they are
    planned as one. One in which every item has failed is added to ``unanswered``, or raised where that is not given."""
    test, known = items.examples, items.counts(trained=False)
    dev = task.examples("dev") if "dev" in task.spec.splits else ()
    for engine, prompts in asked_together(planned, engines):
        drafts = [Draft(task, each, test, spec.split, dev, progress, known, spec.on_failure) for each in prompts]
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
                if unanswered is None:
                    raise
                unanswered.append(error)
                continue
            yield draft.planned, made


def workloads(task: Task, spec: Spec, engines: Sequence[Engine], root: Path) -> list[tuple[Engine, Workload]]:
    """What each engine would be asked by ``run``; nothing is computed and nothing written."""
    check_task(task)
    test = _items(task, spec).examples
    with Journal(root / "journal.sqlite") as journal:
        planned = plan(task, spec, engines, journal)
        found: dict[int, tuple[Engine, Workload]] = {}
        for engine, prompts in asked_together(planned, engines):
            for each in prompts:
                each.predictor.fit(each.train)
            known = found.get(id(engine), (engine, Workload()))[1]
            found[id(engine)] = engine, known + _inquiry(prompts, test).workload
        return list(found.values())


def _named(run: Run, spec: Spec) -> Run:
    """``run`` with the study that repeats it."""
    return replace(run, environment={**run.environment, "study": spec.study}) if spec.study else run


def _items(task: Task, spec: Spec) -> Items:
    if spec.partial and not spec.recorded:
        raise InputError("--partial compares on the items that all --answers have: name some.")
    held = [{key for key, each in answers.recordings.items() if each.text is not None} for answers in spec.recorded]
    only = set[str].intersection(*held) if spec.partial else None
    return Items(task, spec.split, spec.limit, spec.without_overlap, only)


def asked_together(planned: Sequence[Planned], engines: Sequence[Engine]) -> Iterator[tuple[Engine, list[Planned]]]:
    """The prompts among ``planned`` that ask one engine in one mode, which are planned as one."""
    for engine, mode in product(engines, MODES):
        found = [
            each
            for each in planned
            if isinstance(each.predictor, Prompted) and each.predictor.engine is engine and each.predictor.mode == mode
        ]
        if found:
            yield engine, found


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
    """Raises InputError for metrics that do not exist, or not for this kind of answers, before anything runs;
    ``metric`` is one to compare by."""
    known = dict.fromkeys((*task.kind.metrics, *task.kind.measures))
    for name in task.spec.metrics:
        if metrics.METRICS.ours(name) and name not in known:
            raise InputError(
                f"task {task.name!r}: the metric {name!r} does not score answers of kind {task.kind.name}. For that "
                f"kind: {', '.join(known)}."
            )
    names = [name for family in task.spec.metrics for name in metrics.create(family, task.kind).names]
    if task.spec.main_metric not in names:
        raise InputError(f"task {task.name!r}: main_metric {task.spec.main_metric!r} is no single value.")
    if metric is not None and metric not in names:
        raise unknown("metric", metric, names, f"task {task.name!r}")
