"""What every renderer of a table shares: the columns, the cells and the footer, as text."""

from __future__ import annotations

import math

from harness.compare import Comparison, Row
from harness.stats.intervals import Estimate

DASH = "–"


def number(value: float) -> str:
    """A share with three decimals; a dash where it is unknown."""
    return DASH if math.isnan(value) else f"{value:.3f}"


def interval(estimate: Estimate | None, sign: bool = False) -> str:
    """Value and bounds, such as ``0.812 [0.764, 0.852]``."""
    if estimate is None or math.isnan(estimate.value):
        return DASH
    plus = "+" if sign else ""
    value = f"{estimate.value:{plus}.3f}"
    return f"{value} [{estimate.low:{plus}.3f}, {estimate.high:{plus}.3f}]" if not math.isnan(estimate.low) else value


def header(comparison: Comparison) -> list[str]:
    """The columns' titles."""
    accuracy = [] if comparison.metric == "accuracy" else ["accuracy"]
    return ["predictor", comparison.metric, *accuracy, "difference", "p", "unparsed", "skipped", "computed", "s"]


def cells(comparison: Comparison, row: Row) -> list[str]:
    """One row, in the order of ``header``."""
    run, counts = row.run, row.run.counts
    accuracy = [] if comparison.metric == "accuracy" else [interval(row.accuracy)]
    prompted = run.spec["predictor"] == "prompt"
    return [
        row.title,
        interval(row.score),
        *accuracy,
        "reference" if row.difference is None else interval(row.difference, sign=True),
        "" if row.p is None else ("<0.001" if row.p < 0.001 else f"{row.p:.3f}"),
        str(counts.get("unparsed", 0)),
        str(counts.get("skipped", 0)),
        f"{int(run.usage['computed_tokens']):,}" if prompted else DASH,
        f"{run.usage['seconds']:.1f}",
    ]


def footer(comparison: Comparison) -> list[str]:
    """What the numbers mean and from what they can be repeated."""
    lines = [
        f"{comparison.task}: {comparison.n} items, the same for every row. Brackets: 95 % intervals. "
        f"Difference: {comparison.metric} minus that of {comparison.reference}, paired item by item. "
        "p: exact McNemar test of accuracy, each row on its own (not adjusted for their number).",
    ]
    if not math.isnan(comparison.detectable):
        lines.append(
            f"A difference of accuracy below {comparison.detectable:.3f} would be missed more than one time in five "
            "with these items: not significant does not mean equal."
        )
    dropped = sum(row.run.counts.get("dropped_demos", 0) for row in comparison.rows)
    if dropped:
        lines.append(f"{dropped} prompts lost demonstrations to fit the model's length.")
    return lines


def signatures(comparison: Comparison) -> list[str]:
    """One line for each row, from which its run can be repeated."""
    return [f"{row.title}: {row.run.signature}" for row in comparison.rows]
