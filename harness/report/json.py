"""Rows for programs: one JSON list."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

from harness.compare import Comparison, Row
from harness.results import Run
from harness.stats.intervals import Estimate


def row(run: Run) -> dict[str, Any]:
    """What ``harness run --format json`` prints for a run."""
    spec = run.spec
    return {
        "task": run.task,
        **{key: spec[key] for key in ("predictor", "template", "selector", "shots", "model", "seed", "n")},
        "metrics": {name: _estimate(Estimate(*values)) for name, values in run.scores.items()},
        "usage": dict(run.usage),
        "counts": dict(run.counts),
        "signature": str(run.signature),
        "run": run.name,
    }


def _estimate(estimate: Estimate) -> dict[str, float | None]:
    values = {"value": estimate.value, "low": estimate.low, "high": estimate.high}
    return {name: None if math.isnan(value) else value for name, value in values.items()}


def _compared(found: Row) -> dict[str, Any]:
    difference = found.difference and _estimate(found.difference)
    return {**row(found.run), "difference": difference, "p": found.p}


def render(comparisons: Sequence[Comparison]) -> str:
    """The rows, each with its paired difference from its table's reference (null on the reference)."""
    rows = [_compared(found) for comparison in comparisons for found in comparison.rows]
    return json.dumps(rows, ensure_ascii=False, indent=2)
