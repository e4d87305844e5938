"""Real data: with how many labels baselines overtake prompts: python bench/crossover_real.py [--work FOLDER] [--made]

finsentiment, whose prompts are the sealed runs of results/reference, and Banking77 (``--data``, see bench/real.py), on
``ITEMS`` of whose test items smollm2 is asked anew. Baselines learn from five sizes, three draws each. What ``harness
report --crossover`` says of them is written to bench/results/crossover-real.json.
``--work`` keeps the runs; ``--made`` reports on what lies there and runs nothing.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import real

HOME = Path(__file__).resolve().parent
REFERENCE = HOME.parent / "results" / "reference" / "finsentiment"
OUT = HOME / "results" / "crossover-real.json"
PROMPTS = ("tiny-plain-0shot", "tiny-plain-5shot-balanced", "smollm2-instruction-5shot-balanced-s0-batch")
BASELINES = ("--baselines-only", "--baseline", "tfidf-logreg,tfidf-svm,embedding:minilm")
ITEMS = "300"
COMMANDS = {
    "finsentiment": [
        ("run", "--task", "finsentiment", *BASELINES, "--train-size", "20,40,80,160,300", "--seed", "0,1,2"),
    ],
    "banking77": [
        *[
            ("run", "--task", "banking77", *line, "--limit", ITEMS)
            for line in (
                ("--template", "plain", "--shots", "0,3", "--selector", "knn", "--model", "smollm2"),
                (*BASELINES, "--train-size", "154,308,770,1540,3080", "--seed", "0,1,2"),
            )
        ]
    ],
}


def prepare(name: str, folder: Path, data: Path) -> None:
    """The prompts' runs, or the project that makes them."""
    if name == "finsentiment":
        for run in REFERENCE.iterdir():
            if run.name.rpartition("-")[0].removesuffix("-s0") in {each.removesuffix("-s0") for each in PROMPTS}:
                shutil.copytree(run, folder / "results" / name / run.name, dirs_exist_ok=True)
    elif not (folder / "tasks").exists():
        real.write(name, real.STUDIES[name].read(data / name), folder)


def measure(name: str, folder: Path, data: Path, made: bool) -> dict[str, Any]:
    """What is run and what comes of it."""
    folder.mkdir(parents=True, exist_ok=True)
    if not made:
        prepare(name, folder, data)
        for line in COMMANDS[name]:
            real.harness(*line, folder=folder)
    report = ("report", "--crossover", "--task", name)
    ((found,), _), (rows, _) = (real.harness(*line, folder=folder) for line in (report, ("report", "--task", name)))
    return {
        "commands": list(map(real.command, (*COMMANDS[name], report))),
        **{key: found[key] for key in ("metric", "n", "crossings", "notes")},
        "points": points(rows, found["metric"]),
        "curves": [each | {"fitted": each["fitted"][::3]} for each in found["curves"]],
    }


def points(rows: Sequence[dict[str, Any]], metric: str) -> list[dict[str, Any]]:
    """Each baseline's scores at each size, a number a draw."""
    scores: dict[tuple[str, int], list[float]] = {}
    for row in rows:
        if row["predictor"] != "prompt":
            scores.setdefault((row["predictor"], row["n_train"]), []).append(round(row["metrics"][metric]["value"], 4))
    return [{"baseline": name, "n_train": size, "scores": each} for (name, size), each in sorted(scores.items())]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=real.DATA)
    parser.add_argument("--work", type=Path, help="a folder for the runs; else one that is deleted")
    parser.add_argument("--made", action="store_true", help="report on the runs in --work")
    options = parser.parse_args()
    found: dict[str, Any] = dict(real.machine())
    with tempfile.TemporaryDirectory() as folder:
        for name in COMMANDS:
            found[name] = measure(name, (options.work or Path(folder)) / name, options.data, options.made)
            print("\n".join(each["sentence"] for each in found[name]["crossings"]))
    OUT.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
