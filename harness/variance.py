"""Where a score's variance comes from: items, demonstrations, their order, the template, the training seed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from harness import compare, results
from harness.chance import rng
from harness.results import Run
from harness.stats.resample import Array, Sample

RESAMPLES = 500
FACTORS = {"demonstrations": "seed", "order": "order", "template": "template", "selector": "selector"}
TRAINED = {"training seed": "seed"}


@dataclass(frozen=True, slots=True)
class Component:
    """The standard deviation that one source gives the score, and its share of the variance of them all; NaN where
    there are fewer than two ``levels`` to compare."""

    source: str
    levels: int
    deviation: float
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
    """One for each predictor (a model and its number of shots, or a baseline and its training size) with two runs or
    more on the same items.

    The components are moment estimates of a random-effects model with main effects (Searle, Casella and McCulloch,
    1992, chapter 4): a factor's variance is that between its levels' mean scores, less what the items' noise gives such
    means (from a bootstrap that draws the same items for all levels), never below 0. The items' variance is that of one
    run's score, by the same bootstrap, on average over the runs.
    """
    groups: dict[object, list[Run]] = {}
    for run in runs:
        spec = run.spec
        key = [spec["predictor"], spec["model"], spec["shots"]]
        if spec["predictor"] != "prompt":
            key += [spec["n_train"], spec["template"]]
        groups.setdefault(tuple(key), []).append(results.aligned(run, runs[0]))
    return tuple(
        _one(group, metric or str(group[0].spec["main_metric"])) for group in groups.values() if len(group) > 1
    )


def _one(runs: Sequence[Run], metric: str) -> Decomposition:
    spec = runs[0].spec
    prompted = spec["predictor"] == "prompt"
    made = compare.family(metric, runs[0].labels)
    place = made.names.index(metric)
    sample = Sample([compare.statistics(run, made) for run in runs])
    values = np.array([float(made.score(totals)[..., place]) for totals in sample.totals()])
    draws = np.concatenate(
        [
            np.stack([made.score(each)[..., place] for each in totals], axis=-1)
            for totals in sample.draws(rng("variance", metric), RESAMPLES)
        ]
    )
    variances = {"items": float(draws.var(0, ddof=1).mean())}
    levels = {"items": len(runs[0].examples)}
    for source, key in (FACTORS if prompted else TRAINED).items():
        variances[source], levels[source] = _between([run.spec[key] for run in runs], values, draws)
    total = sum(value for value in variances.values() if not math.isnan(value))
    components = tuple(
        Component(source, levels[source], math.sqrt(value), value / total if total else math.nan)
        for source, value in variances.items()
    )
    title = (
        f"{spec['model']} {spec['shots']}-shot"
        if prompted
        else f"{compare.describe([runs[0]])}, {spec['n_train']} train"
    )
    return Decomposition(title, metric, len(runs), float(values.mean()), components)


def _between(levels: Sequence[object], values: Array, draws: Array) -> tuple[float, int]:
    """The variance component of a factor and its number of levels; NaN for one level."""
    names: Mapping[object, Array] = {
        level: np.array([i for i, each in enumerate(levels) if each == level]) for level in dict.fromkeys(levels)
    }
    if len(names) < 2:
        return math.nan, len(names)
    means = np.array([values[i].mean() for i in names.values()])
    drawn = np.stack([draws[:, i].mean(1) for i in names.values()], axis=1)
    # How far the levels' means part in a draw, beyond where they stand in the data, is the items' doing.
    noise = float((drawn - means).var(1, ddof=1).mean())
    return max(0.0, float(means.var(ddof=1)) - noise), len(names)
