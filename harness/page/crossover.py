"""Where baselines overtake prompts, for the page."""

from __future__ import annotations

import math
from typing import Any

from harness.compare.crossover import Crossover
from harness.page.numbers import bounds, plain


def crossover(found: Crossover | None) -> dict[str, Any] | None:
    """What was found, the fitted curves and, as flat lines of their length, what they may overtake; None where no
    baseline was run at two sizes."""
    if found is None or not found.crossings:
        return None
    ends = min(curve.sizes[0] for curve in found.curves), max(curve.end for curve in found.curves)
    lines = [
        {
            "name": curve.name,
            "sort": "trained",
            "points": [{"x": round(size, 1), "score": bounds(score)} for size, score in curve.fitted],
        }
        for curve in found.curves
    ]
    lines += [
        {"name": row.label, "sort": "prompt", "points": [{"x": size, "score": bounds(row.score)} for size in ends]}
        for row in found.levels
    ]
    return {
        "sentences": found.sentences,
        "lines": lines,
        "crossings": [
            {
                "baseline": each.curve.name,
                "prompt": each.prompt,
                "at": [_labels(at) for at in (each.at.value, each.at.low, each.at.high)],
            }
            for each in found.crossings
        ],
    }


def _labels(size: float) -> float | None:
    """A number of labels; none where it lies below the smallest size, or beyond the curve's end."""
    return plain(size) if 0 < size < math.inf else None
