"""What 5 % of the answers of 100 formats tell of all of them: python bench/formats.py [MODEL:ITEMS ...]

The whole grid is asked once. Out of it, cells are drawn 50 times, as `harness probe format --probe-with share=0.05`
draws them, and the estimated quartiles are held against those of the grid, beside the plain mean of the cells seen. The
search is run 50 times with three budgets. Tokens are counts.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import tempfile
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from harness.chance import rng
from harness.compare import differences
from harness.compare.spread import Spread
from harness.engines import create
from harness.probe import searched
from harness.probe.asked import Asked
from harness.probe.format import Formats
from harness.stats import rasch
from harness.stats.resample import Array
from harness.study.grid import Spec
from harness.task import definition

FORMATS, SHARE, TIMES = 100, 0.05, 50
SHARES = (0.25, 0.5, 0.75)


class Grid:
    """Cells whose answers are known."""

    def __init__(self, scores: Array) -> None:
        self.scores, self.prompts, self.items = scores, range(len(scores)), range(scores.shape[1])

    def ask(self, wanted: Mapping[int, Collection[int]]) -> None:
        """They are there."""


def asked(model: str, items: int) -> tuple[Array, dict[str, Any]]:
    """(formats, items) scores, and what they took."""
    task = definition.load("finsentiment")
    with tempfile.TemporaryDirectory() as folder:
        study = Asked(task, Spec(shots=(5,), limit=items), [create("transformers", model)], Path(folder))
        (spec,) = Formats(FORMATS).specs(study)[0]
        (runs,), workload = study.together([spec])
        spreads = {metric: Spread.of(runs, metric) for metric in ("accuracy", "macro-f1")}
    computed = sum(run.usage["computed_tokens"] for run in runs)
    found: dict[str, Any] = {
        "items": items,
        "prompts": workload.prompts,
        "submitted_tokens": workload.submitted,
        "trie_tokens": workload.trie,
        "computed_tokens": int(computed),
        "computed_over_trie": round(computed / workload.trie, 4),
    }
    for metric, spread in spreads.items():
        found[metric] = {
            "lowest": round(float(spread.values.min()), 4),
            "quartiles": [round(float(np.quantile(spread.values, share)), 4) for share in SHARES],
            "highest": round(float(spread.values.max()), 4),
            "given": round(float(spread.values[0]), 4),
            "rank_of_given": spread.rank(0),
            "range_interval": [round(spread.range.low, 4), round(spread.range.high, 4)],
            "noise_alone": round(spread.noise, 4),
        }
    return np.array([differences.hits(run) for run in runs]), found


def estimated(scores: Array) -> dict[str, Any]:
    """Mean absolute errors of quartiles, and of a format's score, over draws of cells."""
    whole = scores.mean(1)
    truth = np.quantile(whole, SHARES)
    errors: dict[str, list[list[float]]] = {"rasch": [], "mean_of_cells": []}
    for time in range(TIMES):
        chosen = rasch.balanced(*scores.shape, SHARE, rng("bench", time))
        seen = np.where(chosen, scores, np.nan)
        for name, values in (("rasch", rasch.means(seen)), ("mean_of_cells", np.nanmean(seen, axis=1))):
            off = np.abs(np.quantile(values, SHARES) - truth)
            errors[name].append([*off, np.abs(values - whole).mean()])
    names = ("lower_quartile", "median", "upper_quartile", "one_format")
    return {
        name: dict(zip(names, np.mean(rows, axis=0).round(4).tolist(), strict=True)) for name, rows in errors.items()
    }


def sought(scores: Array) -> dict[str, float]:
    """The share of the grid's range that the two formats found lie apart, by budget as a share of all cells."""
    whole = scores.mean(1)
    found = {}
    for share in (0.05, 0.1, 0.2):
        gaps = []
        for time in range(TIMES):
            ends = searched.extremes(Grid(scores), round(share * scores.size), time)  # type: ignore[arg-type]
            gaps.append(whole[ends.best] - whole[ends.worst])
        found[f"{share:g}"] = round(float(np.mean(gaps) / np.ptp(whole)), 3)
    return found


def main() -> None:
    """Each model on so many items of finsentiment, 5 shots."""
    result: dict[str, Any] = {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "formats": FORMATS,
        "share_of_cells": SHARE,
    }
    for each in sys.argv[1:] or ("tiny:300", "smollm2:40"):
        model, _, items = each.partition(":")
        scores, found = asked(model, int(items or 300))
        result[model] = {**found, "error": estimated(scores), "share_of_range_found_by_budget": sought(scores)}
        print(json.dumps(result[model], indent=2), file=sys.stderr)
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
