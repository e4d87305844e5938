"""How often intervals cover and the gate passes what is worse: python bench/covering.py [--draws N] [--only NAME,…]

For each metric, of items of their own and in documents of four, at 60, 300 and 1,000 items and three levels of a
system: how often the 95 % interval of the score holds the true one, and how often a new system that is worse by just
the gate's margin passes (5 % is what is allowed). All are drawn from one population, of which the truth is known.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

from populations import WORLDS, population

SIZES, CHANCES = (60, 300, 1000), (0.5, 0.8, 0.95)
OUT = Path(__file__).parent / "results" / "covering.json"


def counted(name: str, clustered: bool, chance: float, draws: int) -> dict[str, object]:
    """Shares over ``draws`` sets of items of each size."""
    of = population(name, clustered, chance)
    score, gap = of.truth
    made: dict[str, object] = {"metric": name, "documents": clustered, "score": score, "worse_by": -gap}
    for n in SIZES:
        covered, passed = of.counted(n, draws)
        made[str(n)] = {"covered": covered, "passed": passed}
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=2000)
    parser.add_argument("--only", default=",".join(WORLDS))
    options = parser.parse_args()
    begun, rows = time.perf_counter(), []
    for name in options.only.split(","):
        for clustered in (False, True):
            for chance in CHANCES:
                rows.append(counted(name, clustered, chance, options.draws))
                print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
    OUT.write_text(
        json.dumps(
            {
                "machine": f"{platform.machine()}, Python {platform.python_version()}, one core",
                "draws": options.draws,
                "standard_error": {"covered": round(0.0475**0.5 / options.draws**0.5, 4)},
                "seconds": round(time.perf_counter() - begun),
                "cells": rows,
            },
            indent=1,
        )
        + "\n"
    )


if __name__ == "__main__":
    main()
