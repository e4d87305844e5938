"""Rows for programs: one JSON list, an object a run."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from typing import Any

from harness import escape
from harness.compare.differences import Comparison, Row
from harness.report.sections import groups
from harness.results.store import Run
from harness.stats.intervals import Estimate

SPEC = ("predictor", "template", "selector", "shots", "model", "seed", "n", "n_train", "train_size")


def run_of(run: Run) -> dict[str, Any]:
    """What is said of a run by itself."""
    return {
        "task": run.task,
        **{key: run.spec[key] for key in SPEC},
        "calibration": run.spec.get("calibration"),
        "answers": run.spec.get("answers"),
        "metrics": {name: _estimate(Estimate(*values)) for name, values in run.scores.items()},
        "usage": dict(run.usage),
        "counts": dict(run.counts),
        "signature": str(run.signature),
        "run": run.name,
    }


def objects(comparisons: Sequence[Comparison]) -> Iterator[dict[str, Any]]:
    """Every run, with its table row's paired difference from the reference (null on the reference)."""
    for comparison in comparisons:
        for row, group in zip(comparison.rows, groups(comparison.rows), strict=True):
            for run in row.runs:
                yield {**run_of(run), **_compared(row), "group": group}


def _compared(row: Row) -> dict[str, Any]:
    return {
        "row": row.label,
        "lenient_accuracy": row.lenient and _estimate(row.lenient),
        "difference": row.difference and _estimate(row.difference),
        "p": _known(row.p),
        "p_adjusted": _known(row.adjusted),
        "cost": row.cost,
    }


def _known(value: float | None) -> float | None:
    return None if value is None or math.isnan(value) else value


def _estimate(estimate: Estimate) -> dict[str, float | None]:
    return {"value": _known(estimate.value), "low": _known(estimate.low), "high": _known(estimate.high)}


def render(comparisons: Sequence[Comparison]) -> str:
    """The objects as one list."""
    return escape.terminal(json.dumps(list(objects(comparisons)), ensure_ascii=False, indent=2))


def plain(value: Any) -> Any:
    """``value`` with null where a number is unknown: NaN has no place in JSON."""
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return None if isinstance(value, float) and math.isnan(value) else value
