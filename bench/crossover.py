"""How often the interval of a crossing holds the true one: python bench/crossover.py [--draws N] [--only NAME,…]

Learning curves are planted: a share f(n) = c - a n^-b of a population of items is right after training on n examples
drawn at random, on average over draws, and a share of f(n*) for a prompt, which the curve thus passes at n*. Runs at
four to six sizes, each over one, three or five draws, answer the same 200 to 1,000 items, of their own or in documents;
items are hard or easy for all. How often does the interval of the crossing hold n*, where n* is between the sizes,
between the last two, and beyond the data at hand (up to ten times)?

Draws err together as means of the first n of a series do (``nested``), or each on its own with the same deviation at
every size (``own``). The file is written after every cell, and cells that stand there are left.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np
from scipy.special import ndtri

from harness.chance import rng as keyed
from harness.stats import learning_curve
from harness.stats.draws import Draws
from harness.stats.learning_curve import REACH
from harness.stats.power_law import PowerLaw

SHAPES = {
    "steep": (0.92, 2.0, 0.8),
    "middling": (0.85, 0.9, 0.5),
    "flat": (0.65, 0.4, 0.3),
    "early plateau": (0.70, 6.0, 1.2),
    "slow": (1.0, 0.75, 0.12),
}
SMALLEST = 20
PLACES = {"within": 0.25, "near the end": 0.85, "beyond": 2.0, "far beyond": 6.0}  # in the largest size
OUT = Path(__file__).parent / "results" / "crossover.json"


@dataclass(frozen=True)
class Cell:
    """What is planted; ``error`` is the standard deviation of a draw at the smallest size."""

    shape: str
    sizes: int
    draws: int
    items: int
    documents: int = 1
    errors: str = "nested"
    error: float = 0.025

    @property
    def curve(self) -> PowerLaw:
        c, a, b = (np.array([each]) for each in SHAPES[self.shape])
        return PowerLaw(c, a, b, 1.0)

    @property
    def points(self) -> Draws:
        sizes = SMALLEST * 2.0 ** np.arange(self.sizes)
        return Draws(np.repeat(sizes, self.draws), np.tile(np.arange(self.draws), self.sizes))

    @property
    def crossings(self) -> list[float]:
        return [place * float(self.points.sizes.max()) for place in PLACES.values()]

    def errors_drawn(self, rng: np.random.Generator) -> np.ndarray:
        """(runs,) what each sample adds to the share."""
        points = self.points
        if self.errors == "own":
            return self.error * rng.standard_normal(len(points.sizes))
        root = np.linalg.cholesky(points.shapes()[0] + 1e-9 * np.eye(len(points.sizes)))
        return self.error * (root @ rng.standard_normal(len(points.sizes)))

    def answered(self, rng: np.random.Generator) -> tuple[list[np.ndarray], list[list[np.ndarray]], list[int] | None]:
        """Tables (items, 2) of hits and ones of the runs and of the prompts, and the items' documents."""
        shares = np.clip(self.curve.at(self.points.sizes)[0] + self.errors_drawn(rng), 0.01, 0.99)
        prompts = self.curve.at(np.array(self.crossings))[0]
        document = rng.standard_normal((self.items // self.documents, 1)).repeat(self.documents, 0)
        item = rng.standard_normal((len(document), 1))
        hard = np.sqrt(0.3) * document + np.sqrt(0.7) * item if self.documents > 1 else item
        learner = rng.standard_normal((len(hard), 1))  # what is hard for all that is trained alike
        own = rng.standard_normal((len(hard), len(shares)))
        runs = np.sqrt(0.35) * hard + np.sqrt(0.3) * learner + np.sqrt(0.35) * own < ndtri(shares)
        asked = np.sqrt(0.35) * hard + np.sqrt(0.65) * rng.standard_normal((len(hard), len(prompts))) < ndtri(prompts)
        clusters = None
        if self.documents > 1:
            clusters = np.arange(len(document) // self.documents).repeat(self.documents).tolist()
        return list(map(table, runs.T)), [[table(each)] for each in asked.T], clusters


def table(right: np.ndarray) -> np.ndarray:
    return np.stack([right, np.ones(len(right))], axis=1)


def share(totals: np.ndarray) -> np.ndarray:
    return totals[..., 0] / totals[..., 1]


def counted(cell: Cell, draws: int, resamples: int) -> Iterator[dict[str, Any]]:
    """For each place of the true crossing, how often its interval holds it, and of which sort the intervals are."""
    found = np.empty((draws, len(PLACES), 3))
    for draw in range(draws):
        rng = keyed("crossover", *asdict(cell).values(), draw)
        runs, prompts, clusters = cell.answered(rng)
        curve = learning_curve.resample(cell.points, runs, prompts, share, 1.0, rng, clusters, resamples)
        for place in range(len(PLACES)):
            at = curve.passes(place)
            found[draw, place] = at.value, at.low, at.high
    for (name, truth), (value, low, high) in zip(
        zip(PLACES, cell.crossings, strict=True), np.moveaxis(found, 0, 2), strict=True
    ):
        closed = (low > 0) & np.isfinite(high)
        held = (low <= truth) & (truth <= high)
        known = np.isfinite(value) & (value > 0)
        yield {
            **asdict(cell),
            "crossing": name,
            "truth": round(truth),
            "covered": round(float(held.mean()), 4),
            "too_high": round(float((low > truth).mean()), 4),
            "too_low": round(float((high < truth).mean()), 4),
            "open_below": round(float((low == 0).mean()), 4),
            "open_above": round(float(np.isinf(high).mean()), 4),
            "closed": round(float(closed.mean()), 4),
            "closed_covered": round(float(held[closed].mean()), 4) if closed.any() else None,
            "median_high_over_low": round(float(np.median(high[closed] / low[closed])), 2) if closed.any() else None,
            "value_known": round(float(known.mean()), 4),
            "median_value": round(float(np.median(value[known])), 1) if known.any() else None,
        }


def cells() -> list[Cell]:
    """Shapes by sizes, draws and items; and documents, and errors of their own."""
    designs = ((4, 1, 200), (4, 1, 1000), (6, 1, 500), (4, 3, 500), (6, 3, 200), (5, 5, 1000))
    made = [Cell(shape, *design) for shape in SHAPES for design in designs]
    made += [Cell(shape, 5, draws, 600, documents=6) for shape in ("steep", "flat") for draws in (1, 3)]
    made += [
        Cell(shape, 5, draws, 500, errors="own", error=0.015) for shape in ("middling", "slow") for draws in (1, 3)
    ]
    return made


def summary(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Shares over all cells, and how many lie outside of 93 to 97 %."""
    covered = np.array([row["covered"] for row in rows])
    return {
        "cells": len(rows),
        "covered": round(float(covered.mean()), 4),
        "least": float(covered.min()),
        "most": float(covered.max()),
        "below_93": int((covered < 0.93).sum()),
        "above_97": int((covered > 0.97).sum()),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=400)
    parser.add_argument("--resamples", type=int, default=800)
    parser.add_argument("--only", help=f"shapes, of {', '.join(SHAPES)}")
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args()
    rows: list[dict[str, Any]] = kept(options.out, options.draws, options.resamples)
    for cell in cells():
        if options.only and cell.shape not in options.only.split(","):
            continue
        if any(row.items() >= asdict(cell).items() for row in rows):
            continue
        rows += counted(cell, options.draws, options.resamples)
        print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
        write(options.out, rows, options.draws, options.resamples)


def kept(path: Path, draws: int, resamples: int) -> list[dict[str, Any]]:
    """The rows that the file has already, where they were counted as often."""
    if not path.exists():
        return []
    found = json.loads(path.read_text())
    return found["rows"] if (found["draws"], found["resamples"]) == (draws, resamples) else []


def write(path: Path, rows: Sequence[dict[str, Any]], draws: int, resamples: int) -> None:
    by = {f"{key} {value}": [row for row in rows if row[key] == value] for key, value in _ways(rows)}
    found = {
        "machine": f"{platform.machine()}, Python {platform.python_version()}, one core",
        "draws": draws,
        "resamples": resamples,
        "reach": REACH,
        "standard_error": round((0.95 * 0.05 / draws) ** 0.5, 4),
        "all": summary(rows),
        **{name: summary(some) for name, some in by.items()},
        "rows": rows,
    }
    path.write_text(json.dumps(found, indent=1) + "\n")


def _ways(rows: Sequence[dict[str, Any]]) -> list[tuple[str, Any]]:
    keys = ("shape", "draws", "sizes", "items", "documents", "errors", "crossing")
    return [(key, value) for key in keys for value in dict.fromkeys(row[key] for row in rows)]


if __name__ == "__main__":
    main()
