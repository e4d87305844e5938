"""Memory and time of a run of 10,000 to 1,000,000 items with the null engine: python bench/stream.py [--most N]

Each size is a process of its own over generated items: five demonstrations, three labels, results sealed, answers
journaled. What is measured is all that the harness does itself, from reading the file to the sealed run.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SIZES = (10_000, 100_000, 1_000_000)
WHO = ["Alpha", "Borealis", "Cobalt", "Delta", "Ember", "Fjord", "Granite", "Harbor", "Iris", "Juniper"]
WHAT = [
    "profit",
    "revenue",
    "sales",
    "margin",
    "cost",
    "debt",
    "order",
    "output",
    "guidance",
    "dividend",
    "cash",
    "loss",
]
DID = ["rose", "fell", "held", "slipped", "jumped", "narrowed", "widened", "doubled", "stalled"]
TASK = """kind: classification
inputs: [text]
target: label
id: id
labels: [up, down, flat]
splits: {train: train.jsonl, test: test.jsonl}
metrics: [accuracy, macro-f1, mcc]
"""
PROMPT = "{% for s in shots %}\n{{ s.text }} => {{ s.answer }}\n{% endfor %}\n{{ text }} =>\n"


def write(folder: Path, items: int) -> None:
    """A project with the task ``stream``: 300 training items and ``items`` to answer."""
    task, prompts = folder / "tasks/stream", folder / "prompts/stream"
    task.mkdir(parents=True)
    prompts.mkdir(parents=True)
    rng = random.Random(0)
    for split, count in (("train", 300), ("test", items)):
        with (task / f"{split}.jsonl").open("w") as file:
            for i in range(count):
                text = (
                    f"{rng.choice(WHO)} {rng.choice(WHO)} said {rng.choice(WHAT)} {rng.choice(DID)} "
                    f"{rng.randint(1, 99)}% to {rng.randint(1, 9999)} million in week {rng.randint(1, 52)}"
                )
                row = {"id": f"{split}-{i}", "text": text, "label": rng.choice(("up", "down", "flat"))}
                file.write(json.dumps(row) + "\n")
    (task / "task.yaml").write_text(TASK)
    (prompts / "plain.j2").write_text(PROMPT)


def one() -> None:
    """Run the task of the working folder, and print what it took."""
    from harness.engines import create
    from harness.study import grid
    from harness.task import definition

    engine = create("null", "tiny")
    _ = engine.tokenizer
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begun = time.perf_counter()
    ((run, _),) = grid.run(definition.load("stream"), grid.Spec(shots=(5,)), [engine], Path("results"))
    print(
        json.dumps(
            {
                "items": run.spec["n"],
                "seconds": round(time.perf_counter() - begun, 1),
                "peak_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
                "libraries_mib": round(before / 1024),
                "submitted_tokens": run.usage["submitted_tokens"],
            }
        )
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--most", type=int, default=SIZES[-1], help="the largest number of items")
    most = parser.parse_args().most
    rows = []
    for size in (size for size in SIZES if size <= most):
        with tempfile.TemporaryDirectory() as folder:
            write(Path(folder), size)
            env = {**os.environ, "HF_HUB_OFFLINE": "1"}
            command = [sys.executable, str(Path(__file__).resolve()), "one"]
            done = subprocess.run(command, cwd=folder, env=env, check=True, capture_output=True, text=True)
        row = json.loads(done.stdout)
        rows.append({**row, "microseconds_an_item": round(row["seconds"] / size * 1e6)})
        print(json.dumps(rows[-1]), file=sys.stderr)
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    print(json.dumps({"machine": machine, "runs": rows}, indent=2))


if __name__ == "__main__":
    one() if sys.argv[1:] == ["one"] else main()
