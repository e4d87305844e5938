"""Each two rows of a table held against each other, and the difference in words."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import combinations
from typing import Any

import numpy as np

from harness.compare import differences, estimate
from harness.compare.differences import Comparison, Row
from harness.metrics import Metric
from harness.page.numbers import bounds, plain, turned
from harness.page.parts import NAME, tables
from harness.page.said import Said
from harness.results import store
from harness.stats import multiple
from harness.stats.intervals import Estimate

SHOWN = 0.05  # p below which a difference counts as shown


def pairs(comparison: Comparison, rows: Sequence[Said], mean: Metric) -> list[dict[str, Any]]:
    """Each two rows once. Against the reference all numbers are those of the table, which was looked at for them; of
    other pairs p is adjusted for all that there are."""
    metric = differences.family(comparison.metric, comparison.kind)
    clusters = store.clusters(comparison.rows[0].run.examples)
    stats = cache(lambda place: [differences.statistics(run, metric) for run in comparison.rows[place].runs])
    hits = [tables(row.hits) for row in rows]
    found: list[tuple[int, int, Estimate, float, float | None, Estimate]] = []
    for (a, one), (b, other) in combinations(enumerate(comparison.rows), 2):
        gap, p, known = _known(one, other) or (
            estimate.difference(metric, comparison.metric, stats(a), stats(b), clusters),
            estimate.p_value(metric, comparison.metric, stats(a), stats(b), clusters),
            None,
        )
        found.append((a, b, gap, p, known, estimate.difference(mean, NAME, hits[a], hits[b], clusters)))
    adjusted = multiple.adjust([p for _, _, _, p, _, _ in found])
    own = len(rows) - 1, len(found)  # the pairs that the table looks at, and all
    ways = [
        (own[1], most) if known is None else (own[0], known)
        for (*_, known, _), most in zip(found, adjusted, strict=True)
    ]
    return [
        {
            "a": a,
            "b": b,
            "gap": bounds(gap),
            "gapOfItems": bounds(items),
            "p": plain(p),
            "adjusted": plain(most),
            "looked": looked,
            "words": [words(each, p, most, comparison.metric, metric.losses, looked) for each in (gap, turned(gap))],
        }
        for (a, b, gap, p, _, items), (looked, most) in zip(found, ways, strict=True)
    ]


def _known(one: Row, other: Row) -> tuple[Estimate, float, float | None] | None:
    """The difference as the table has it, where one of the two is its reference."""
    if other.difference is None and one.difference is not None and one.p is not None:
        return one.difference, one.p, one.adjusted
    if one.difference is None and other.difference is not None and other.p is not None:
        return turned(other.difference), other.p, other.adjusted
    return None


def words(gap: Estimate, p: float, adjusted: float, metric: str, losses: bool, looked: int) -> str:
    """A difference, A minus B, in a sentence; ``looked`` is the number of pairs that were looked at. Where it is not
    shown, that is said, and never that the two are alike."""
    if np.isnan(gap.value):
        return f"Whether A or B is better is not known: {metric} is undefined for one of them."
    if np.isnan(gap.low):
        return f"A minus B is {gap.value:+.3f} {metric}; with so few items nothing can be said of how far chance goes."
    chance = f"by chance in {_percent(p)} of cases"
    counted = f", or for one of {looked} pairs in {_percent(adjusted)}" if looked > 1 else ""
    if adjusted < SHOWN and not gap.low <= 0 <= gap.high:
        better = "A" if (gap.value > 0) != losses else "B"
        low, high = sorted((abs(gap.low), abs(gap.high)))
        return (
            f"{better} is better by {abs(gap.value):.3f} {metric} [{low:.3f}, {high:.3f}]; a difference this large "
            f"comes {chance}{counted}."
        )
    between = f"A minus B lies between {gap.low:+.3f} and {gap.high:+.3f} {metric}"
    if p < SHOWN <= adjusted:
        return f"No difference is shown, as {looked} pairs were looked at: {between}; one this large comes {chance}."
    return f"No difference is shown: {between}."


def _percent(p: float) -> str:
    if np.isnan(p):
        return "an unknown share"
    return "less than 0.1 %" if p < 0.001 else f"{100 * p:.1f} %" if p < 0.1 else f"{100 * p:.0f} %"


def first(comparison: Comparison) -> list[int]:
    """The rows that the page opens with: the best prompt, or where the reference is one the best other row, and the
    reference."""
    rows = comparison.rows
    reference = next(place for place, row in enumerate(rows) if row.difference is None)
    others = [place for place in range(len(rows)) if place != reference]
    sign = -1 if differences.family(comparison.metric, comparison.kind).losses else 1
    prompts = [place for place in others if rows[place].prompted != rows[reference].prompted and rows[place].prompted]
    best = max(prompts or others, key=lambda place: _score(rows[place], sign), default=reference)
    return [best, reference]


def _score(row: Row, sign: int) -> float:
    return float(np.nan_to_num(sign * row.score.value, nan=-np.inf))
