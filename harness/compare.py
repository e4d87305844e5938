"""Rows, paired differences and the footer of a comparison table: the one place where runs are held side by side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from harness import metrics
from harness.errors import InputError, unknown
from harness.metrics import Array
from harness.results import Run
from harness.stats import paired, power
from harness.stats.intervals import Estimate
from harness.types import Example


@dataclass(frozen=True, slots=True)
class Row:
    """One run in a table. ``difference`` is its main metric minus the reference's (None on the reference itself);
    ``p`` is McNemar's exact p on the items' hits."""

    run: Run
    title: str
    score: Estimate
    accuracy: Estimate | None
    difference: Estimate | None
    p: float | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """A table ready to be shown; ``detectable`` is the smallest difference of accuracies these items can show."""

    task: str
    metric: str
    rows: tuple[Row, ...]
    reference: str | None
    n: int
    detectable: float


def compare(runs: Sequence[Run], metric: str | None = None, reference: str | None = None) -> Comparison:
    """Hold runs on the same items side by side.

    ``reference`` is a run's name; without one it is the best baseline by the main metric, else the first run. Raises
    InputError where the runs are over different items or labels.
    """
    if not runs:
        raise InputError("nothing to compare: no runs. Make some with `harness run --task NAME`.")
    _comparable(runs)
    metric = metric or str(runs[0].spec["main_metric"])
    if metric not in runs[0].scores:
        raise unknown("metric", metric, runs[0].scores, f"run {runs[0].name}")
    chosen = _reference(runs, metric, reference)
    titles = Counter(map(describe, runs))
    tables = {run.name: _statistics(run, metric) for run in runs}
    score = metrics.create(_family(metric), runs[0].labels)
    place = score.names.index(metric)
    rows = []
    for run in runs:
        gap = p = None
        if run is not chosen:
            gap = paired.bootstrap(
                tables[run.name],
                tables[chosen.name],
                lambda totals: score.score(totals)[..., place : place + 1],
                np.random.default_rng(0),
            )
            p = paired.mcnemar(_hits(run), _hits(chosen)).p
        accuracy = run.scores.get("accuracy")
        rows.append(
            Row(
                run,
                _title(run, titles),
                Estimate(*run.scores[metric]),
                Estimate(*accuracy) if accuracy else None,
                gap,
                p,
            )
        )
    n = len(chosen.targets)
    others = [paired.mcnemar(_hits(run), _hits(chosen)) for run in runs if run is not chosen]
    worst = max(((d.only_a + d.only_b) / n for d in others), default=0.0)
    return Comparison(chosen.task, metric, tuple(rows), _title(chosen, titles), n, power.minimum_detectable(n, worst))


def comparable(runs: Sequence[Run]) -> list[list[Run]]:
    """The runs in groups that can be compared: same task, labels and items, in order of first appearance."""
    groups: dict[object, list[Run]] = {}
    for run in runs:
        groups.setdefault((run.task, run.labels, run.items_hash), []).append(run)
    return list(groups.values())


def describe(run: Run) -> str:
    """A run in a few words."""
    spec = run.spec
    if spec["predictor"] != "prompt":
        return str(spec["predictor"]) + (f" (seed {spec['seed']})" if spec["seed"] else "")
    demos = f", {spec['selector']}" if spec["shots"] else ""
    seed = f", seed {spec['seed']}" if spec["seed"] else ""
    return f"{_short(spec['model'])} {spec['shots']}-shot ({spec['template']}{demos}{seed})"


def _title(run: Run, titles: Counter[str]) -> str:
    """The description, with the run's hash where another run has the same."""
    title = describe(run)
    return title if titles[title] == 1 else f"{title} #{run.name[-8:]}"


def _short(model: Any) -> str:
    return str(model).rstrip("/").rsplit("/", 1)[-1]


def _comparable(runs: Sequence[Run]) -> None:
    first = runs[0]
    for run in runs[1:]:
        for what in ("task", "labels", "items_hash"):
            if getattr(run, what) != getattr(first, what):
                raise InputError(
                    f"runs over different items cannot be compared: {what} is {getattr(first, what)!r} in {first.name} "
                    f"but {getattr(run, what)!r} in {run.name}. Compare runs of one task, split and --limit."
                )


def _reference(runs: Sequence[Run], metric: str, name: str | None) -> Run:
    if name is not None:
        found = next((run for run in runs if name in (run.name, run.spec["predictor"], describe(run))), None)
        if found is None:
            raise unknown("reference run", name, [run.name for run in runs])
        return found
    baselines = [run for run in runs if run.spec["predictor"] != "prompt"]
    return max(baselines, key=lambda run: run.scores[metric][0]) if baselines else runs[0]


def _family(metric: str) -> str:
    return "class-f1" if metric.startswith("f1[") else metric


def _statistics(run: Run, metric: str) -> Array:
    examples = [Example(p.example_id, {}, target) for p, target in zip(run.predictions, run.targets, strict=True)]
    return metrics.create(_family(metric), run.labels).statistics(examples, run.predictions)


def _hits(run: Run) -> Array:
    return np.array([p.output == t for p, t in zip(run.predictions, run.targets, strict=True)], float)
