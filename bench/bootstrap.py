"""The paired bootstrap of macro-F1 beside re-scoring resampled items: python bench/bootstrap.py

100,000 items, three labels, 10,000 draws, one core. Re-scoring (scikit-learn's f1_score on the drawn items) is timed
over a few draws and scaled up; the ratio is what counts.
"""

from __future__ import annotations

import json
import os
import platform

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import time

import numpy as np
from sklearn.metrics import f1_score

from harness.kinds.classification import Classification
from harness.metrics.classification import MacroF1
from harness.stats import intervals
from harness.types import Example, Prediction

ITEMS, DRAWS, SCORED = 100_000, 10_000, 10
LABELS = ["a", "b", "c"]


def main() -> None:
    rng = np.random.default_rng(0)
    target = rng.integers(3, size=ITEMS)
    sides = [np.where(rng.random(ITEMS) < share, target, rng.integers(3, size=ITEMS)) for share in (0.8, 0.79)]
    examples = [Example(str(i), {}, LABELS[t]) for i, t in enumerate(target)]
    metric = MacroF1(Classification(labels=LABELS))
    tables = [
        metric.statistics(examples, [Prediction(str(i), LABELS[s]) for i, s in enumerate(side)]) for side in sides
    ]

    def score(totals):
        return metric.score(totals)[..., 0]

    begun = time.perf_counter()
    found = intervals.bootstrap(tables[:1], score, rng, against=tables[1:], resamples=DRAWS)
    grouped = time.perf_counter() - begun
    begun = time.perf_counter()
    for _ in range(SCORED):
        drawn = rng.integers(ITEMS, size=ITEMS)
        for side in sides:
            f1_score(target[drawn], side[drawn], average="macro")
    rescored = (time.perf_counter() - begun) / SCORED * DRAWS
    print(
        json.dumps(
            {
                "machine": f"{platform.machine()}, Python {platform.python_version()}",
                "items": ITEMS,
                "draws": DRAWS,
                "difference": [round(x, 5) for x in (found.value, found.low, found.high)],
                "seconds": round(grouped, 3),
                "rescoring_seconds": round(rescored, 1),
                "ratio": round(rescored / grouped),
            },
            indent=2,
        )
    )


if __name__ == "__main__":
    main()
