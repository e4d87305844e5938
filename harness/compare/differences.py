"""Rows, paired differences and the footer of a comparison table: the one place where runs are held side by side."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from harness import metrics
from harness.compare import estimate
from harness.errors import InputError, unknown
from harness.kinds import Kind
from harness.metrics import Array, Metric
from harness.results import store
from harness.results.store import Run
from harness.stats import multiple, paired, power
from harness.stats.intervals import Estimate
from harness.stats.paired import Discordance

MAJORITY = "majority"  # the one baseline that has a single answer by its nature
STUCK = 0.9  # share of the items that get one and the same answer
SPREAD = 2 / 3  # share of the items that a label may have where the labels are called spread


@dataclass(frozen=True, slots=True)
class Price:
    """Money a million tokens, by what is counted: ``prompt`` tokens are those computed."""

    prompt: float
    generated: float = 0.0

    def of(self, run: Run) -> float:
        """What the run's tokens cost."""
        return self.money(run.usage["computed_tokens"], run.usage["generated_tokens"])

    def money(self, computed: float, generated: float) -> float:
        """What so many tokens cost."""
        return (computed * self.prompt + generated * self.generated) / 1e6


@dataclass(frozen=True, slots=True)
class Row:
    """One predictor in a table: its ``runs`` differ by their seed only, and every value is their mean, with an interval
    that holds the seeds' variance too. ``lenient`` is accuracy where an unparsed text that mentions one label counts as
    that label (None where every text was a label). ``difference`` is the main metric minus the reference's (None on
    the reference itself), ``p`` tests it and ``adjusted`` is p for the number of rows. ``discordance`` counts the items
    of the first run against the reference's first. Tokens, seconds and ``cost`` are sums over the runs."""

    runs: tuple[Run, ...]
    title: str
    score: Estimate
    accuracy: Estimate | None
    lenient: Estimate | None
    difference: Estimate | None
    p: float | None
    adjusted: float | None
    discordance: Discordance | None
    cost: float | None

    @property
    def run(self) -> Run:
        """The first of the runs."""
        return self.runs[0]

    @property
    def label(self) -> str:
        """The title with the size of the training data: alone in a figure or a file, no other row has it."""
        return _labelled(self.title, self.run)

    @property
    def prompted(self) -> bool:
        return bool(self.run.spec["predictor"] == "prompt")

    @property
    def stuck(self) -> tuple[str, int, int] | None:
        """The label that nine items in ten or more are answered with, for how many of how many, where the items' own
        labels are spread; None where no label is, or where a baseline learnt from one label only."""
        answers = Counter(p.output for run in self.runs for p in run.predictions)
        targets = Counter(e.target for run in self.runs for e in run.examples)
        label, times = answers.most_common(1)[0]
        n = targets.total()
        if label is None or times < STUCK * n or max(targets.values()) > SPREAD * n:
            return None
        spec = self.run.spec
        if spec["predictor"] == MAJORITY or (not self.prompted and spec.get("train_labels") == 1):
            return None
        return label, times, n

    @property
    def reliability(self) -> float:
        """Its expected calibration error, the mean over the runs; NaN where it states no probabilities."""
        made = family("ece", self.run.kind)
        return float(np.mean([made.score(statistics(run, made).sum(0))[0] for run in self.runs]))

    def count(self, what: str) -> int:
        """Items over all runs of a status, such as ``unparsed``, or of another count."""
        return sum(int(run.counts.get(what, 0)) for run in self.runs)

    def used(self, what: str) -> float:
        """Usage over all runs, such as ``computed_tokens`` or ``seconds``."""
        return float(sum(run.usage[what] for run in self.runs))


@dataclass(frozen=True, slots=True)
class Comparison:
    """A table ready to be shown; ``detectable`` is the smallest difference of accuracies these items can show, at the
    largest discordance seen. ``correction`` names how p is adjusted, ``missing`` the labels that no item has."""

    task: str
    metric: str
    rows: tuple[Row, ...]
    reference: str
    n: int
    clustered: bool
    detectable: float
    correction: str
    missing: tuple[str, ...]


def compare(
    runs: Sequence[Run],
    metric: str | None = None,
    reference: str | None = None,
    correction: str = "holm",
    price: Price | None = None,
) -> Comparison:
    """Hold runs on the same items side by side.

    Runs that differ by their seed only make one row. ``reference`` is a run, a baseline or a row's title; without one
    it is the best baseline by the main metric, else the first row. Raises InputError where the runs are over different
    items or labels.
    """
    if not runs:
        raise InputError("nothing to compare: no runs. Make some with `harness run --task NAME`.")
    _comparable(runs)
    metric = metric or str(runs[0].spec["main_metric"])
    if metric not in runs[0].scores:
        raise unknown("metric", metric, runs[0].scores, f"run {runs[0].name}")
    groups = grouped([store.aligned(run, runs[0]) for run in runs])
    chosen = _reference(groups, metric, reference)
    labels = Counter(_labelled(describe(group), group[0]) for group in groups)
    rows = [_row(group, chosen, metric, price, labels) for group in groups]
    known = [row.p for row in rows if row.p is not None]
    adjusted = iter(multiple.adjust(known, correction))
    rows = [row if row.p is None else replace(row, adjusted=next(adjusted)) for row in rows]
    worst = max((row.discordance.share for row in rows if row.discordance), default=0.0)
    first = runs[0]
    n = len(first.examples)
    clustered = store.clusters(first.examples) is not None
    title = _title(chosen, labels)
    detectable = power.minimum_detectable(n, worst)
    shown = {example.target for example in first.examples}
    missing = tuple(output for output in first.kind.outputs if output not in shown)
    return Comparison(first.task, metric, tuple(rows), title, n, clustered, detectable, correction, missing)


def _row(
    group: tuple[Run, ...], chosen: tuple[Run, ...], metric: str, price: Price | None, labels: Counter[str]
) -> Row:
    gap = p = found = None
    if group is not chosen:
        gap = difference(group, chosen, metric)
        made = family(metric, group[0].kind)
        left, right = ([statistics(run, made) for run in side] for side in (group, chosen))
        p = estimate.p_value(made, metric, left, right, store.clusters(group[0].examples))
        found = discordance(group[0], chosen[0])
    accuracy = score(group, "accuracy") if "accuracy" in group[0].scores else None
    cost = sum(map(price.of, group)) if price and group[0].spec["predictor"] == "prompt" else None
    unparsed = any(run.counts.get("unparsed") for run in group)
    lenient = _estimated(group, "lenient-accuracy") if unparsed else None
    return Row(group, _title(group, labels), score(group, metric), accuracy, lenient, gap, p, None, found, cost)


def score(runs: Sequence[Run], metric: str) -> Estimate:
    """The metric over runs that differ by their seed only: as sealed for one run, else over items and seeds."""
    return Estimate(*runs[0].scores[metric]) if len(runs) == 1 else _estimated(runs, metric)


def _estimated(runs: Sequence[Run], metric: str) -> Estimate:
    made = family(metric, runs[0].kind)
    found = estimate.estimates(made, [statistics(run, made) for run in runs], store.clusters(runs[0].examples))
    return found[made.names.index(metric)]


def difference(runs: Sequence[Run], against: Sequence[Run], metric: str, level: float = 0.95) -> Estimate:
    """``metric`` of ``runs`` minus that of ``against``, paired item by item, with its interval of ``level``."""
    made = family(metric, runs[0].kind)
    left, right = ([statistics(run, made) for run in side] for side in (runs, against))
    return estimate.difference(made, metric, left, right, store.clusters(runs[0].examples), level)


def discordance(run: Run, against: Run) -> Discordance:
    """Items that only one of two runs has right."""
    return paired.discordance(hits(run), hits(against))


def family(metric: str, kind: Kind) -> Metric:
    """The metric that gives the value ``metric``: ``class-f1`` gives ``f1[positive]``."""
    return metrics.create("class-f1" if metric.startswith("f1[") else metric, kind)


def statistics(run: Run, metric: Metric) -> Array:
    """(n, d) sufficient statistics of the run's items."""
    return metric.statistics(run.examples, run.predictions)


def hits(run: Run) -> Array:
    """(n,) each item's score in [0, 1]; of a label, 1 where it is right."""
    return np.array([run.kind.right(e, p.output) for p, e in zip(run.predictions, run.examples, strict=True)], float)


def comparable(runs: Sequence[Run]) -> list[list[Run]]:
    """The runs in groups that can be compared: same task, labels and items, in order of first appearance."""
    groups: dict[object, list[Run]] = {}
    for run in runs:
        groups.setdefault(tuple(asked_of(run).values()), []).append(run)
    return list(groups.values())


def grouped(runs: Sequence[Run]) -> list[tuple[Run, ...]]:
    """The runs in rows: those of one row differ by what a seed draws only."""
    rows: dict[object, list[Run]] = {}
    for run in runs:
        rows.setdefault((run.spec["train_size"], fixed(run)), []).append(run)
    return [tuple(row) for row in rows.values()]


def fixed(run: Run, but: Collection[str] = ()) -> tuple[tuple[str, str], ...]:
    """The signature without the pairs named in ``but`` and without what the seed draws."""
    left_out = {"seed", *but}
    if run.spec["train_size"] is not None:
        left_out.add("train")  # a sample of the train split is drawn by the seed
    # Selectors write their seed into their name.
    return tuple(
        (key, value.replace(f"seed={run.spec['seed']}", ""))
        for key, value in run.signature.pairs
        if key not in left_out
    )


def describe(group: Sequence[Run]) -> str:
    """A row in a few words."""
    spec = group[0].spec
    seeds = ", ".join(str(run.spec["seed"]) for run in group)
    seed = f"seeds {seeds}" if len(group) > 1 else f"seed {seeds}" if spec["seed"] else ""
    if spec["predictor"] != "prompt":
        notes = [_short(spec["model"]), seed]
        name = str(spec["predictor"])
    else:
        demos = [spec["selector"]] if spec["shots"] else []
        order = [f"{spec['order']} order"] if spec["order"] not in (None, "ascending") else []
        calibrated = [spec["calibration"]] if spec.get("calibration") else []
        notes = [spec["template"], *demos, *order, *calibrated, seed]
        name = f"{_short(spec['model'])} {spec['shots']}-shot"
    text = ", ".join(filter(None, notes))
    return f"{name} ({text})" if text else name


def _labelled(title: str, run: Run) -> str:
    return title if run.spec["predictor"] == "prompt" else f"{title}, {run.spec['n_train']:,} train"


def _title(group: Sequence[Run], labels: Counter[str]) -> str:
    """The description, with more where another row of as much training data has the same."""
    title = describe(group)
    return title if labels[_labelled(title, group[0])] == 1 else f"{title} #{group[0].name[-8:]}"


def _short(model: Any) -> str:
    return "" if model is None else str(model).rstrip("/").rsplit("/", 1)[-1]


def _comparable(runs: Sequence[Run]) -> None:
    first = runs[0]
    for run in runs[1:]:
        for (what, one), two in zip(asked_of(first).items(), asked_of(run).values(), strict=True):
            if one != two:
                raise InputError(
                    f"runs over different items cannot be compared: {what} is {one!r} in {first.name} but {two!r} in "
                    f"{run.name}. Compare runs of one task, split and --limit."
                )


def asked_of(run: Run) -> dict[str, str]:
    """What two runs must share to be compared, by name."""
    return {"task": run.task, "kind": run.kind.identity, "items_hash": run.items_hash}


def _reference(groups: Sequence[tuple[Run, ...]], metric: str, name: str | None) -> tuple[Run, ...]:
    sign = -1 if family(metric, groups[0][0].kind).losses else 1

    def value(group: Sequence[Run]) -> float:
        found = sign * float(np.mean([run.scores[metric][0] for run in group]))
        return -math.inf if math.isnan(found) else found

    if name is not None:
        for group in groups:
            if name in names(group):
                return group
        raise unknown("reference", name, [describe(group) for group in groups])
    baselines = [group for group in groups if group[0].spec["predictor"] != "prompt"]
    return max(baselines, key=value) if baselines else groups[0]


def names(group: Sequence[Run]) -> list[str]:
    """What a row may be called: its runs' names, its baseline (with and without its model), its description."""
    spec: Mapping[str, Any] = group[0].spec
    baseline = [] if spec["predictor"] == "prompt" else [spec["predictor"], f"{spec['predictor']}:{spec['model']}"]
    return [*(run.name for run in group), *baseline, describe(group)]
