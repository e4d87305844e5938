"""Bias benchmarks on a real model: python bench/bias.py DATA [MODEL [RESULTS]]

DATA holds the folders bbq, crows_pairs and winobias, as their authors published them. Of
WinoBias so many pairs of sentences are asked as ``LIMITS`` says, chosen by their ids; of the others all. Answers are
kept in RESULTS, where it is named: the same command goes on from there.
"""

from __future__ import annotations

import json
import platform
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from harness.engines import create
from harness.probe import create as probe
from harness.probe.asked import Asked
from harness.study.grid import Spec

LIMITS = {"crows-pairs": None, "winobias": 800, "bbq": None}


def measured(data: Path, model: str, results: Path) -> dict[str, Any]:
    """What each benchmark finds of ``model``: its lines and what was asked."""
    engine, found = create("transformers", model), {}
    for name, limit in LIMITS.items():
        made = probe(name)
        asked = Asked(made.task(data), Spec(limit=limit), [engine], results)
        finding = made.look(asked)
        lines = [{key: value for key, value in asdict(line).items() if value is not None} for line in finding.lines]
        found[name] = {"source": finding.source, "limit": limit, "notes": finding.notes, "lines": lines}
        print(f"{name}: {len(lines)} lines", file=sys.stderr)
    return {
        "model": engine.identity["model"],
        "dtype": engine.dtype,
        "python": platform.python_version(),
        "probes": found,
    }


def main() -> None:
    data, model = Path(sys.argv[1]), (sys.argv[2:] or ["smollm2"])[0]
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(measured(data, model, Path(sys.argv[3] if len(sys.argv) > 3 else folder)), indent=1))


if __name__ == "__main__":
    main()
