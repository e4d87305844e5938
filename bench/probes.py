"""Probes on real models and data: python bench/probes.py [--data FOLDER] [--work FOLDER] [--only NAME,...]

finsentiment, finsentiment-zh and Banking77 (its first 50 intents; see bench/real.py), asked of smollm2, with a linear
and a fine-tuned baseline beside it; on finsentiment the fine-tuned one stands beside itself, trained with augmentation
and with adversarial training. What ``harness probe`` says is written to bench/results/probes.json after every command.
``--work`` keeps the runs: what was answered there is not asked again. ``tokens`` asks the model tiny in 24 orders of 10
draws: what that costs in tokens is the same for every model.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import real
import yaml
from published import template

HOME = Path(__file__).resolve().parent
OUT = HOME / "results" / "probes.json"
LABELS = 50
ITEMS = ("typos", "case", "space", "unicode", "numbers", "negation", "paraphrase", "swap")
PROMPTS = ("format", "draw", "leak", "explain", "repeat")
FEW = ("--probe-with", "formats=10,draws=5,repeat.items=60")
MODEL = ("--model", "smollm2")
TWO = ("--baseline", "tfidf-svm,finetune:minilm")
MORE = ("--baseline", "tfidf-svm,finetune:minilm,finetune:minilm+augment=word-dropout,finetune:minilm+adversarial=0.5")
ENGLISH = ("--task", "finsentiment", "--template", "instruction", "--shots", "5", "--calibrate", "batch")
CHINESE = ("--task", "finsentiment-zh", "--template", "plain", "--shots", "4", "--calibrate", "batch")
BANK = ("--task", "banking77", "--template", "plain", "--shots", "3")
SHORT = ("--with", "finetune.epochs=1")  # of 6,481 examples
COMMANDS = {
    "finsentiment": (*ITEMS, *ENGLISH, *MODEL, *MORE, "--limit", "200"),
    "finsentiment-prompts": (*PROMPTS, *ENGLISH, *MODEL, "--limit", "60", *FEW),
    "finsentiment-attack": ("attack", *ENGLISH, *MODEL, *MORE, "--limit", "150"),
    "finsentiment-zh": (
        *(name for name in ITEMS if name not in ("case", "swap")),
        *CHINESE,
        *MODEL,
        *TWO,
        "--limit",
        "100",
    ),
    "banking77": (*ITEMS[:-1], *BANK, *MODEL, *TWO, *SHORT, "--limit", "50"),
    "tokens": (
        *("order", "--task", "finsentiment", "--shots", "4", "--limit", "30", "--model", "tiny"),
        *("--probe-with", "orders=24,draws=10,probing=0"),
    ),
}


def write(folder: Path, data: Path) -> None:
    """Banking77 with its first intents only."""
    made = real.STUDIES["banking77"].read(data / "banking77")
    labels = made.task["labels"]
    assert isinstance(labels, list)
    kept = labels[:LABELS]
    rows = {split: [row for row in each if row["intent"] in kept] for split, each in made.rows.items()}
    _, head, body = made.template.split("---\n", 2)
    settings = yaml.safe_load(head)
    settings["verbalizer"] = {label: settings["verbalizer"][label] for label in kept}
    task = {**made.task, "labels": kept}
    real.write("banking77", replace(made, task=task, rows=rows, template=template(body, **settings)), folder)


def measure(name: str, folder: Path) -> dict[str, Any]:
    """What the command finds, its changed answers counted."""
    line = ("probe", *COMMANDS[name])
    found, seconds = real.harness(*line, folder=folder)
    for each in found["findings"]:
        each["flips"] = len(each["flips"])
    return {"command": real.command(line), "seconds": round(seconds), **found}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=real.DATA)
    parser.add_argument("--work", type=Path, help="a folder for the runs; else one that is deleted")
    parser.add_argument("--only", help=f"some of {', '.join(COMMANDS)}")
    options = parser.parse_args()
    kept: dict[str, Any] = json.loads(OUT.read_text(encoding="utf-8")) if OUT.exists() else {}
    with tempfile.TemporaryDirectory() as made:
        folder = options.work or Path(made)
        if not (folder / "tasks").exists():
            write(folder, options.data)
        for name in options.only.split(",") if options.only else COMMANDS:
            kept[name] = measure(name, folder)
            kept = {**real.machine(), **{each: kept[each] for each in COMMANDS if each in kept}}
            OUT.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
