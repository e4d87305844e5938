"""What 50 kills cost a study that asks a server, each followed by the same command: python bench/kills.py. Half of them
strike at a named step, just before or just after it, the others at a time drawn over the whole of a run."""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

from pyarrow.parquet import read_table

from harness.results import store

ROOT = Path(__file__).resolve().parent.parent
KILLS, ITEMS, TEMPLATES = 50, 40, ("plain", "question")
TOTAL = ITEMS * len(TEMPLATES)
# A step, and how often a whole run comes to it.
STEPS = {
    "harness.engines.layout.connect": 1,
    "harness.engines.journal.Journal.planned": 1,
    "harness.engines.journal.Journal.claim": 1,
    "harness.engines.journal.Journal.record": TOTAL,
    "harness.engines.journal.Journal.done": 1,
    "harness.results.store._write": len(TEMPLATES),
    "harness.results.whole.put": len(TEMPLATES),
}
# Runs the command line with one step that kills: sys.argv is step, which of its calls, "before" or "after", command.
AIMED = """
import os, pkgutil, signal, sys
_, step, turn, side, *sys.argv[1:] = sys.argv
place, name = step.rsplit(".", 1)
holder, turns = pkgutil.resolve_name(place), [int(turn)]
real = getattr(holder, name)
def aimed(*args, **named):
    turns[0] -= 1
    if turns[0] == 0 and side == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    found = real(*args, **named)
    if turns[0] == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return found
setattr(holder, name, aimed)
from harness.cli import main
main()
"""


def study(url: str, root: Path) -> list[str]:
    return [
        *("run", "--task", "finsentiment", "--template", ",".join(TEMPLATES), "--limit", str(ITEMS)),
        *("--engine", "openai", "--model", "parrot", "--mode", "generate", "--format", "json"),
        *("--engine-with", f"base_url={url}", "--engine-with", "structured=none", "--results", str(root)),
    ]


def run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *command], capture_output=True, text=True, check=False)


def kept(root: Path) -> dict[str, str]:
    """The answers in the journal, by key."""
    try:
        with closing(sqlite3.connect(f"file:{root / 'journal.sqlite'}?mode=ro", uri=True)) as db:
            return dict(db.execute("SELECT key, answer FROM answers"))
    except sqlite3.OperationalError:  # not made yet
        return {}


def sealed(root: Path) -> dict[str, list[dict[str, object]]]:
    """The rows of every sealed run, but for the time that its answers took, each loaded, so that one that is not whole
    is an error."""
    rows = {store.load(folder).name: read_table(folder / "predictions.parquet") for folder in store.find(root)}
    return {name: table.drop_columns(["seconds"]).to_pylist() for name, table in rows.items()}


def kill(server, root: Path, number: int, seconds: float) -> str:
    """Run the study and kill it; returns where. A drawn time may be later than its end."""
    draw, command = random.Random(number), study(server.url, root)
    if number % 2 == 0:
        step = list(STEPS)[number // 2 % len(STEPS)]
        turn, side = draw.randint(1, STEPS[step]), draw.choice(("before", "after"))
        done = run(["-c", AIMED, step, str(turn), side, *command])
        assert done.returncode == -signal.SIGKILL, done.stderr
        return f"{side} {step.removeprefix('harness.')}"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    running = subprocess.Popen([sys.executable, "-m", "harness", *command], start_new_session=True, **quiet)
    time.sleep(draw.uniform(0.3, 1.0) * seconds)
    ended = running.poll() is not None
    if not ended:
        os.killpg(running.pid, signal.SIGKILL)
    running.wait()
    return "at its end" if ended else "at a drawn time"


def measure(kills: int, root: Path) -> dict[str, object]:
    """Counts over all kills: answers that were kept and are gone or changed, requests for what was kept, and sealed
    runs whose rows are not those of a run that nobody killed."""
    sys.path.insert(0, str(ROOT / "tests"))
    from parrot import serving

    found, where = Counter[str](), Counter[str]()
    with serving() as server:
        server.delay = 0.15
        server.handle_error = lambda *_: None  # who asked was killed
        assert run(["-m", "harness", *study(server.url, root / "whole")]).returncode == 0
        begun = time.perf_counter()
        assert run(["-m", "harness", *study(server.url, root / "timed")]).returncode == 0
        seconds, expected = time.perf_counter() - begun, sealed(root / "whole")
        assert len(expected) == len(TEMPLATES)
        for number in range(kills):
            folder = root / str(number)
            where[kill(server, folder, number, seconds)] += 1
            while server.now:  # what was in the air reaches nobody
                time.sleep(0.01)
            before, asked, whole = kept(folder), len(server.bodies), sealed(folder)
            done = run(["-m", "harness", *study(server.url, folder)])
            after = kept(folder)
            found["kills"] += 1
            found["answers_kept_at_the_kill"] += len(before)
            found["runs_sealed_at_the_kill"] += len(whole)
            found["lost"] += sum(after.get(key) != text for key, text in before.items())
            found["doubled"] += len(server.bodies) - asked - (TOTAL - len(before))
            found["differing"] += done.returncode != 0 or sealed(folder) != expected or len(after) != TOTAL
    return {**found, "where": dict(sorted(where.items()))}


def main() -> None:
    os.environ |= {"HF_HUB_OFFLINE": "1", "PYTHONPATH": str(ROOT)}
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps({"answers_of_a_study": TOTAL, **measure(KILLS, Path(folder))}, indent=2))


if __name__ == "__main__":
    main()
