"""What a model that learns tasks one after the other still knows: from scores after every stage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.chance import rng
from harness.metrics import Array
from harness.stats.intervals import RESAMPLES, Estimate, over_seeds
from harness.stats.resample import Sample, by_cluster

Scores = Array
"""(n,) scores of a task's items, each in [0, 1]."""


@dataclass(frozen=True, slots=True)
class Learnt:
    """``scores[seed][stage][task]`` of what was learnt by ``strategy``; None of a task that comes later. What is learnt
    at once, or not at all, has one stage."""

    strategy: str
    scores: tuple[tuple[tuple[Scores | None, ...], ...], ...]

    def means(self) -> list[list[float | None]]:
        """(stages, tasks) means over items and seeds."""
        stages, tasks = len(self.scores[0]), len(self.scores[0][0])
        return [[self._mean(stage, task) for task in range(tasks)] for stage in range(stages)]

    def _mean(self, stage: int, task: int) -> float | None:
        found = [each for seed in self.scores if (each := seed[stage][task]) is not None]
        return float(np.mean(found)) if found else None


@dataclass(frozen=True, slots=True)
class Retention:
    """``average``: the mean of the tasks' scores after the last stage. ``backward``: what the later tasks changed in
    the earlier ones, the mean of the last score minus that right after learning (Lopez-Paz and Ranzato, 2017).
    ``forgetting``: the mean of the best score before the last stage minus the last one (Chaudhry et al., 2018). Both
    are None where there is one stage. ``gain`` is the average minus that of the first strategy, on the same items."""

    strategy: str
    average: Estimate
    backward: Estimate | None
    forgetting: Estimate | None
    gain: Estimate | None
    means: tuple[tuple[float | None, ...], ...]


@dataclass(frozen=True, slots=True)
class Course:
    """Strategies side by side over the same ``tasks``, each of ``items``; several ``seeds`` are drawn too."""

    tasks: tuple[str, ...]
    items: tuple[int, ...]
    model: str
    seeds: int
    rows: tuple[Retention, ...]


def retentions(learnt: Sequence[Learnt], clusters: Sequence[Sequence[object] | None]) -> list[Retention]:
    """One for each of ``learnt``, whose items are the same; ``clusters`` are those of each task's items. Intervals are
    percentiles of a bootstrap that draws items (or clusters) of each task, the same for all strategies, and seeds."""
    drawn = [_draws(learnt, task, clusters[task]) for task in range(len(clusters))]
    found: list[Retention] = []
    first: Array | None = None
    for place, each in enumerate(learnt):
        tables = [task[place] for task in drawn]  # (1 + resamples, seeds, stages), a task
        measures = _measures(tables)
        average = measures[0]
        estimates = [None if m is None else _estimate(m, each.strategy) for m in measures]
        gain = None if first is None else _gap(average, first, each.strategy)
        first = average if first is None else first
        assert estimates[0] is not None
        means = tuple(map(tuple, each.means()))
        found.append(Retention(each.strategy, estimates[0], estimates[1], estimates[2], gain, means))
    return found


def _draws(learnt: Sequence[Learnt], task: int, clusters: Sequence[object] | None) -> list[Array]:
    """For each of ``learnt`` (1 + resamples, seeds, stages) means of a task's scores, the first as they are; NaN before
    the task is learnt."""
    columns = [each for one in learnt for seed in one.scores for stage in seed if (each := stage[task]) is not None]
    table = np.stack([*columns, np.ones(len(columns[0]))], axis=1)
    sample = Sample([table] if clusters is None else by_cluster([table], clusters))
    totals = np.concatenate(
        [sample.totals()[0][None], *(t[0] for t in sample.draws(rng("retention", task), RESAMPLES))]
    )
    means = iter((totals[:, :-1] / totals[:, -1:]).T)
    nothing = np.full(len(totals), np.nan)
    return [
        np.stack(
            [
                np.stack([nothing if stage[task] is None else next(means) for stage in seed], axis=-1)
                for seed in one.scores
            ],
            axis=1,
        )
        for one in learnt
    ]


def _measures(tables: Sequence[Array]) -> tuple[Array, Array | None, Array | None]:
    """(1 + resamples, seeds): average, backward transfer and forgetting."""
    average = np.mean([table[..., -1] for table in tables], axis=0)
    if tables[0].shape[-1] == 1:
        return average, None, None
    earlier = list(enumerate(tables))[:-1]
    backward = np.mean([table[..., -1] - table[..., task] for task, table in earlier], axis=0)
    lost = np.mean([table[..., task:-1].max(-1) - table[..., -1] for task, table in earlier], axis=0)
    return average, backward, lost


def _estimate(measure: Array, key: str) -> Estimate:
    values = over_seeds(measure[1:], rng("seeds", key))
    low, high = np.quantile(values, [0.025, 0.975])
    value = float(measure[0].mean())
    return Estimate(value, min(value, float(low)), max(value, float(high)))


def _gap(one: Array, other: Array, key: str) -> Estimate:
    """Seeds are paired where both sides have as many."""
    if one.shape[1] == other.shape[1]:
        return _estimate(one - other, key)
    sides = [over_seeds(side[1:], rng("seeds", key, name)) for name, side in (("one", one), ("other", other))]
    low, high = np.quantile(sides[0] - sides[1], [0.025, 0.975])
    value = float(one[0].mean() - other[0].mean())
    return Estimate(value, min(value, float(low)), max(value, float(high)))
