"""What a model forgets of three tasks that it learns one after the other: python bench/continual.py

all-MiniLM-L6-v2 learns finsentiment, support-intents and city-events in turn: with nothing done about it, with replay,
with EWC, and all at once; beside it stands smollm2's prompt, which learns nothing. What ``harness continual`` says is
written to bench/results/continual.json. Training is short, so that it takes minutes.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import real

OUT = Path(__file__).resolve().parent / "results" / "continual.json"
LINE = (
    *("continual", "--task", "finsentiment,support-intents,city-events", "--baseline", "finetune:minilm"),
    *("--with", "epochs=1,min_steps=24,batch=8,lr=2e-4", "--limit", "60", "--model", "smollm2", "--shots", "4"),
)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        found, seconds = real.harness(*LINE, folder=Path(folder))
    said = {**real.machine(), "command": real.command(LINE), "seconds": round(seconds), **found}
    OUT.write_text(json.dumps(said, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
