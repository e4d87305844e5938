"""Rows, paired differences and the footer of a comparison table: the one place where runs are held side by side."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from harness import metrics
from harness.compare import estimate, groups
from harness.errors import InputError, unknown
from harness.kinds import Kind
from harness.metrics import Array, Metric
from harness.results import store
from harness.results.store import Run
from harness.stats import multiple, paired, power
from harness.stats.intervals import Estimate
from harness.stats.paired import Discordance

SINGLE = ("majority", "place")  # the baselines that have a single answer by their nature
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
        return groups.labelled(self.title, self.run)

    @property
    def prompted(self) -> bool:
        """Whether it is a prompt."""
        return groups.prompted(self.run)

    @property
    def recorded(self) -> bool:
        """Whether its answers were made elsewhere."""
        return groups.recorded(self.run)

    @property
    def trained(self) -> bool:
        """Whether it is a baseline."""
        return groups.trained(self.run)

    @property
    def strict(self) -> Estimate:
        """The items' mean score, which a lenient reading may only raise."""
        return self.accuracy or _estimated(self.runs, "item-score")

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
        if spec["predictor"] in SINGLE or (self.trained and spec.get("train_labels") == 1):
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
    """A table ready to be shown; ``detectable`` is the smallest difference that these items can show: of accuracies, at
    the largest discordance seen (in clusters, at the widest interval), or, where answers are ``graded``, of the metric.
    ``clusters`` counts the documents that the items are of, None where they are of none. ``correction`` names how p is
    adjusted, ``missing`` the labels that no item has; ``counted`` says that the metric is a share of items."""

    task: str
    metric: str
    rows: tuple[Row, ...]
    reference: str
    n: int
    clusters: int | None
    detectable: float
    correction: str
    missing: tuple[str, ...]
    counted: bool

    @property
    def kind(self) -> Kind:
        """What its items' answers are."""
        return self.rows[0].run.kind

    @property
    def graded(self) -> bool:
        """Whether an answer is better or worse, and not right or wrong."""
        return self.kind.graded


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
    groups.check(runs)
    metric = metric or str(runs[0].spec["main_metric"])
    if metric not in runs[0].scores:
        raise unknown("metric", metric, runs[0].scores, f"run {runs[0].name}")
    found = groups.grouped([store.aligned(run, runs[0]) for run in runs])
    chosen = _reference(found, metric, reference)
    labels = Counter(groups.labelled(groups.describe(group), group[0]) for group in found)
    rows = [_row(group, chosen, metric, price, labels) for group in found]
    known = [row.p for row in rows if row.p is not None]
    adjusted = iter(multiple.adjust(known, correction))
    rows = [row if row.p is None else replace(row, adjusted=next(adjusted)) for row in rows]
    first = runs[0]
    n = len(first.examples)
    of = store.clusters(first.examples)
    clusters = None if of is None else len(set(of))
    title = _title(chosen, labels)
    detectable = _detectable(rows, chosen, n, clusters is not None)
    counted = family(metric, first.kind).proportion
    shown = {example.target for example in first.examples}
    missing = tuple(output for output in first.kind.outputs if output not in shown)
    return Comparison(first.task, metric, tuple(rows), title, n, clusters, detectable, correction, missing, counted)


def _detectable(rows: Sequence[Row], chosen: tuple[Run, ...], n: int, clustered: bool) -> float:
    """The smallest difference that these items can show; NaN where there is nothing to judge by."""
    gaps = [row.difference for row in rows if row.difference]
    graded = chosen[0].kind.graded
    if clustered and not graded:
        gaps = [difference(row.runs, chosen, "item-score") for row in rows if row.difference]
    if clustered or graded:
        widths = [(gap.high - gap.low) / 2 for gap in gaps]
        return power.detectable_at(max((w for w in widths if not math.isnan(w)), default=math.nan))
    worst = max((row.discordance.share for row in rows if row.discordance), default=0.0)
    return power.minimum_detectable(n, worst)


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
    cost = sum(map(price.of, group)) if price and not groups.trained(group[0]) else None
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
    """Items that only one of two runs has right, or that it has better."""
    return paired.discordance(hits(run), hits(against))


def family(metric: str, kind: Kind) -> Metric:
    """The metric that gives the value ``metric``: ``class-f1`` gives ``f1[positive]``, others give ``NAME[…]``."""
    name = metric.partition("[")[0]
    return metrics.create("class-f1" if name == "f1" else name, kind)


def statistics(run: Run, metric: Metric) -> Array:
    """(n, d) sufficient statistics of the run's items."""
    return metric.statistics(run.examples, run.predictions)


def hits(run: Run) -> Array:
    """(n,) each item's score in [0, 1]; of a label, 1 where it is right."""
    return np.array([run.kind.right(e, p.output) for p, e in zip(run.predictions, run.examples, strict=True)], float)


def _reference(rows: Sequence[tuple[Run, ...]], metric: str, name: str | None) -> tuple[Run, ...]:
    sign = -1 if family(metric, rows[0][0].kind).losses else 1

    def value(group: Sequence[Run]) -> float:
        found = sign * float(np.mean([run.scores[metric][0] for run in group]))
        return -math.inf if math.isnan(found) else found

    if name is not None:
        for group in rows:
            if name in groups.names(group):
                return group
        raise unknown("reference", name, [groups.describe(group) for group in rows])
    baselines = [group for group in rows if groups.trained(group[0])]
    return max(baselines, key=value) if baselines else rows[0]


def _title(group: Sequence[Run], labels: Counter[str]) -> str:
    """The description, with more where another row of as much training data has the same."""
    title = groups.describe(group)
    return title if labels[groups.labelled(title, group[0])] == 1 else f"{title} #{group[0].name[-8:]}"
