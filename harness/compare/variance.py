"""Where a score's variance comes from: items, demonstrations, their order, the template, the training seed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from harness.chance import rng
from harness.compare import differences, groups
from harness.errors import unknown
from harness.results import store
from harness.results.store import Run
from harness.stats.resample import Array, Sample, by_cluster

RESAMPLES = 500
PROMPTED = {"demonstrations": "seed", "order": "order", "template": "template"}
TRAINED = {"training seed": "seed"}
RECORDED = {"draw": "seed"}
REST = "combinations"


@dataclass(frozen=True, slots=True)
class Component:
    """The standard deviation that one source gives the score, with its 95 % interval (NaN for items), and its share of
    the variance of them all. NaN where it cannot be known: fewer than two ``levels``, or each level came with one level
    of another source only."""

    source: str
    levels: int
    deviation: float
    low: float
    high: float
    share: float


@dataclass(frozen=True, slots=True)
class Decomposition:
    """The score of runs that differ by such sources only: its mean, and the components of a single run's variance."""

    title: str
    metric: str
    runs: int
    mean: float
    components: tuple[Component, ...]


def decompose(runs: Sequence[Run], metric: str | None = None) -> tuple[Decomposition, ...]:
    """One for each predictor with two runs or more on the same items: a prompted model with its number of shots and its
    selector, or a baseline with its training size.

    The components are moment estimates of a random-effects model, by Henderson's method 3, which holds for unbalanced
    runs (Searle, Casella and McCulloch, 1992, "Variance Components", section 5.5): the sum of squares that a factor
    explains beyond all others, less what the items' noise and the factors' combinations give it, never below 0. The
    items' noise is the covariance of the runs' scores in a bootstrap that draws the same items (or clusters) for all;
    its variance for one run is the items' component. ``combinations`` is what no sum of the factors explains: a
    template that only some demonstrations suit. Intervals are Williams's (1962), with the noise taken as known; from
    two or three levels they are wide, and should be.
    """
    groups: dict[object, list[Run]] = {}
    for run in runs:
        groups.setdefault(_fixed(run), []).append(run)
    return tuple(_one(group, metric) for group in groups.values() if len(group) > 1)


def _sources(run: Run) -> Mapping[str, str]:
    """What the runs of one predictor may differ by, and where a run says it."""
    return PROMPTED if groups.prompted(run) else RECORDED if groups.recorded(run) else TRAINED


def _fixed(run: Run) -> object:
    """All of a run but the sources: equal for runs whose variance is split together."""
    sources = _sources(run).values()
    return *groups.asked_of(run).values(), run.spec["train_size"], groups.fixed(run, sources)


def _one(group: Sequence[Run], metric: str | None) -> Decomposition:
    runs = [store.aligned(run, group[0]) for run in group]
    first = runs[0]
    metric = metric or str(first.spec["main_metric"])
    if metric not in first.scores:
        raise unknown("metric", metric, first.scores, f"run {first.name}")
    made = differences.family(metric, first.kind)
    place = made.names.index(metric)
    tables = [differences.statistics(run, made) for run in runs]
    clusters = store.clusters(first.examples)
    sample = Sample(tables if clusters is None else by_cluster(tables, clusters))
    values = np.array([float(made.score(totals)[..., place]) for totals in sample.totals()])
    draws = np.concatenate(
        [
            np.stack([made.score(each)[..., place] for each in totals], axis=-1)
            for totals in sample.draws(rng("variance", metric), RESAMPLES)
        ]
    )
    draws = draws[np.isfinite(draws).all(1)]  # a resample in which the score is undefined says nothing about it
    known = sample.n > 1 and len(draws) > 1 and bool(np.isfinite(values).all())
    # A bootstrap's variance of a mean of n is (n - 1) / n of the true one.
    small = sample.n / (sample.n - 1) if known else math.nan
    noise = np.cov(draws, rowvar=False) * small if known else np.full((len(runs), len(runs)), math.nan)
    items = math.sqrt(noise.trace() / len(runs))
    source = "items" if clusters is None else "items (by cluster)"
    parts = [Component(source, sample.n, items, math.nan, math.nan, math.nan), *_factors(runs, values, noise)]
    total = sum(part.deviation**2 for part in parts if not math.isnan(part.deviation))
    shared = tuple(
        Component(p.source, p.levels, p.deviation, p.low, p.high, p.deviation**2 / total if total else math.nan)
        for p in parts
    )
    return Decomposition(_title(first), metric, len(runs), float(values.mean()), shared)


def _factors(runs: Sequence[Run], values: Array, noise: Array) -> list[Component]:
    """The components of the factors and of their combinations."""
    factors = {source: _dummies([_level(run, key) for run in runs]) for source, key in _sources(runs[0]).items()}
    whole = _span(np.concatenate([np.ones((len(runs), 1)), *factors.values()], axis=1))
    left = np.eye(len(runs)) - whole
    free = round(left.trace())
    rest = (values @ left @ values - np.sum(left * noise)) / free if free else 0.0
    parts = []
    for source, mine in factors.items():
        others = [each for name, each in factors.items() if name != source]
        beyond = whole - _span(np.concatenate([np.ones((len(runs), 1)), *others], axis=1))
        weight = float(np.sum(mine * (beyond @ mine)))
        explained = np.sum(beyond * noise) + rest * round(beyond.trace())
        parts.append(_component(source, mine.shape[1], values, beyond, float(explained), weight))
    if free and len(factors) > 1:
        parts.append(_component(REST, len(runs), values, left, float(np.sum(left * noise)), free))
    return parts


def _component(source: str, levels: int, values: Array, beyond: Array, explained: float, weight: float) -> Component:
    """From the squares that the projection ``beyond`` leaves of ``values``: their expectation is ``explained`` plus
    ``weight`` times the component."""
    free = round(float(beyond.trace()))
    if free == 0:
        return Component(source, levels, math.nan, math.nan, math.nan, math.nan)
    squares = float(values @ beyond @ values)
    expected = squares * free / stats.chi2.ppf([0.975, 0.025], free)
    value, low, high = np.sqrt(np.maximum((np.array([squares, *expected]) - explained) / weight, 0)).tolist()
    return Component(source, levels, value, low, high, math.nan)


def _dummies(levels: Sequence[object]) -> Array:
    """(runs, levels): 1 where the run has the level."""
    names = list(dict.fromkeys(levels))
    return np.array([[float(level == name) for name in names] for level in levels])


def _span(columns: Array) -> Array:
    """The projection on the columns' span."""
    projection: Array = columns @ np.linalg.pinv(columns)
    return projection


def _level(run: Run, key: str) -> object:
    """As signed, else as asked for: a template's name stays when its text changes."""
    return dict(run.signature.pairs).get(key, run.spec[key])


def _title(run: Run) -> str:
    spec = run.spec
    if not groups.prompted(run):
        return groups.title([run])
    mode = dict(run.signature.pairs).get("mode", "score")
    notes = [*([spec["selector"]] if spec["shots"] else []), *([] if mode == "score" else [mode])]
    return f"{spec['model']} {spec['shots']}-shot" + (f" ({', '.join(notes)})" if notes else "")
