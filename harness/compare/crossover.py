"""How many labelled examples it takes for a baseline to be as good as a prompt."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from harness.chance import rng
from harness.compare import curves, differences
from harness.compare.curves import Line
from harness.compare.differences import Comparison, Row
from harness.results import store
from harness.stats import learning_curve
from harness.stats.draws import Draws
from harness.stats.intervals import Estimate
from harness.stats.learning_curve import REACH, LearningCurve
from harness.stats.resample import Array

DRAWN = 40  # sizes at which a fitted curve is given
ENOUGH = 3  # sizes from which a curve says more than what lies between them


@dataclass(frozen=True, slots=True)
class Curve:
    """The learning curve of a baseline: its ``line`` of rows, and the fitted scores at ``DRAWN`` sizes from the
    smallest to ``end``, up to which it is believed. ``draws`` counts those of the train split that a size has at most;
    ``scatter`` says that they, or the points' scatter, tell how much draws vary. ``falls`` are two sizes of which the
    larger scores worse by more than chance explains: no crossing is told then."""

    line: Line
    sizes: tuple[int, ...]
    fitted: tuple[tuple[float, Estimate], ...]
    end: int
    draws: int
    scatter: bool
    falls: tuple[int, int] | None

    @property
    def name(self) -> str:
        """The baseline's."""
        return self.line.name


@dataclass(frozen=True, slots=True)
class Crossing:
    """Where ``curve`` passes the score of the prompt in ``row``, in labelled examples, with its 95 % interval. 0 stands
    for any number below the smallest size, infinite for any beyond the curve's end; NaN where the curve falls."""

    curve: Curve
    row: Row
    at: Estimate

    @property
    def prompt(self) -> str:
        """The row's name."""
        return self.row.label

    @property
    def how(self) -> str:
        """How the value was found."""
        if self.curve.falls:
            return "not told: the scores fall"
        last = self.curve.sizes[-1]
        if math.isinf(self.at.value):
            return f"not within {self.curve.end:,}"
        if self.at.value <= last:
            return f"below {self.curve.sizes[0]:,}" if self.at.value == 0 else "between the sizes run"
        return f"beyond {last:,}, by the curve"

    @property
    def sentence(self) -> str:
        """What was found."""
        name, curve = self.curve.name, self.curve
        if curve.falls:
            less, more = curve.falls
            return (
                f"{name} scores worse with {more:,} examples than with {less:,}, by more than chance explains: where "
                f"it passes {self.prompt} is not told."
            )
        bounds = bracket(self.at, about)
        if self.at.value == 0:
            return f"{name} is ahead of {self.prompt} with {curve.sizes[0]:,} labelled examples already{bounds}."
        if math.isfinite(self.at.value):
            return f"{name} overtakes {self.prompt} at about {about(self.at.value)} labelled examples{bounds}."
        far = f"{REACH} times the data at hand" if len(curve.sizes) >= ENOUGH else "the larger of its two sizes"
        return f"{name} does not overtake {self.prompt} within {curve.end:,} labelled examples, {far}{bounds}."


@dataclass(frozen=True, slots=True)
class Crossover:
    """All curves of a comparison against all that was not trained: prompts, and answers made elsewhere. ``short`` are
    the lines of fewer than ``ENOUGH`` sizes; those of one size have no curve."""

    comparison: Comparison
    curves: tuple[Curve, ...]
    levels: tuple[Row, ...]
    crossings: tuple[Crossing, ...]
    short: tuple[Line, ...]

    @property
    def sentences(self) -> list[str]:
        """What was found, a sentence a crossing."""
        return [crossing.sentence for crossing in self.crossings]

    @property
    def notes(self) -> list[str]:
        """How the numbers were made and how far they go."""
        made = self.comparison
        by = f", by cluster ({made.clusters:,})," if made.clusters else ""
        lines = [
            f"{made.task}: {made.n:,} items. Curves: {made.metric} = c - a n^-b, never falling, by weighted least "
            f"squares; two sizes are a line between them. None is followed beyond {REACH} times its largest size.",
            f"Brackets: 95 % intervals of the bootstrap, in which curve and prompt get the same items{by} and the "
            "examples that a baseline learnt from are drawn, too.",
        ]
        single = [curve.name for curve in self.curves if curve.draws == 1 and curve.scatter]
        if single:
            lines.append(
                f"One draw of each size: how much draws vary is judged by the scatter about the curve of "
                f"{', '.join(single)}. More seeds (--seed 0,1,2) tell it better."
            )
        if untold := [curve.name for curve in self.curves if not curve.scatter]:
            lines.append(
                f"Nothing tells how much draws vary of {', '.join(untold)}: these intervals hold the items' variance "
                "only, and are too narrow. More seeds (--seed 0,1,2) or a fourth size tell it."
            )
        if any(row.prompted and row.run.spec["shots"] and len(row.runs) == 1 for row in self.levels):
            lines.append("Prompts of one seed are judged with the demonstrations that they have.")
        for row in self.levels:
            shown = _shown(row)
            if row.prompted and shown > row.run.spec["shots"] * len(row.runs):
                lines.append(
                    f"{row.label} shows other demonstrations to other items, {shown:,} in all, from "
                    f"{row.run.spec['n_train']:,} labelled examples: labels that it takes itself."
                )
        return lines


def _shown(row: Row) -> int:
    """The different demonstrations that a prompt's items were shown."""
    return len({demo for run in row.runs for p in run.predictions if p.trace for demo in p.trace.demos})


def rounded(size: float) -> float:
    """A number of examples in two digits that count.

    >>> rounded(1437.2), rounded(23.4)
    (1400.0, 23.0)
    """
    return float(f"{size:.2g}")


def about(size: float) -> str:
    """As ``rounded``, in words: ``1,400``."""
    return f"{rounded(size):,.0f}"


def bracket(found: Estimate, shown: Callable[[float], str]) -> str:
    """An interval of numbers of labels, or what hangs on them, such as `` [90, 260]`` or `` [at least 90]``: 0 and
    infinite are open ends. Empty where there is none, or all of it is outside."""
    low, high = found.low, found.high
    if low == high or math.isnan(low):
        return ""
    if low == 0:
        return " [any number]" if math.isinf(high) else f" [at most {shown(high)}]"
    return f" [at least {shown(low)}]" if math.isinf(high) else f" [{shown(low)}, {shown(high)}]"


def crossover(comparison: Comparison) -> Crossover:
    """Fit each baseline's curve and hold it against each row that was not trained; there may be none of either."""
    levels = tuple(row for row in comparison.rows if not row.trained)
    lines = [
        line for line in curves.baselines(comparison) if line.rows[0].run.spec["predictor"] not in differences.SINGLE
    ]
    found, crossings = [], []
    for line in lines if levels else ():
        if len(line.sizes) > 1:
            curve, passes = _curve(comparison, line, levels)
            found.append(curve)
            crossings += [Crossing(curve, row, at) for row, at in zip(levels, passes, strict=True)]
    short = tuple(line for line in lines if len(line.sizes) < ENOUGH)
    return Crossover(comparison, tuple(found), levels, tuple(crossings), short)


def _curve(comparison: Comparison, line: Line, levels: Sequence[Row]) -> tuple[Curve, list[Estimate]]:
    """The curve, and where it passes each of ``levels``."""
    made = differences.family(comparison.metric, comparison.kind)
    place, sign = made.names.index(comparison.metric), -1.0 if made.losses else 1.0
    runs = sorted((run for row in line.rows for run in row.runs), key=lambda run: (run.spec["n_train"], run.name))
    points = Draws(
        np.array([run.spec["n_train"] for run in runs], float),
        np.array([run.spec["seed"] for run in runs]),
        pool(comparison),
    )

    def score(totals: Array) -> Array:
        return sign * made.score(totals)[..., place]

    curve = learning_curve.resample(
        points,
        [differences.statistics(run, made) for run in runs],
        [[differences.statistics(run, made) for run in row.runs] for row in levels],
        score,
        -made.ends[0] if made.losses else made.ends[1],
        rng("crossover", comparison.metric),
        store.clusters(runs[0].examples),
    )
    falls = curve.falls()
    sizes = np.geomspace(curve.sizes[0], curve.end, DRAWN)
    heights = [each if sign > 0 else Estimate(-each.value, -each.high, -each.low) for each in curve.height(sizes)]
    return Curve(
        line,
        tuple(line.sizes),
        tuple(zip(map(float, sizes), heights, strict=True)),
        int(curve.end),
        max(len({draw for size, draw in points.samples if size == each}) for each in line.sizes),
        points.known,
        falls and (int(falls[0]), int(falls[1])),
    ), [_passes(curve, i) for i in range(len(levels))]


def _passes(curve: LearningCurve, place: int) -> Estimate:
    return Estimate(math.nan, math.nan, math.nan) if curve.falls() else curve.passes(place)


def pool(comparison: Comparison) -> float:
    """The size of the train split, which prompts draw from, and what was trained on all of it; infinite where no row
    tells."""
    whole = [
        row.run.spec["n_train"] for row in comparison.rows if not row.recorded and row.run.spec["train_size"] is None
    ]
    return float(max(whole, default=math.inf))
