"""What a model forgets of three tasks that it learns one after the other: python bench/continual.py [minilm] [smollm2]

finsentiment, support-intents and city-events are learnt in turn: by all-MiniLM-L6-v2, with nothing done about
forgetting, with replay, with EWC, and all at once, and beside it stands smollm2's prompt, which learns nothing; and by
LoRA adapters of smollm2. What ``harness continual`` says is written to bench/results/continual.json, where those that
are not named stay as they are. Training is short, so that it takes minutes.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import real

OUT = Path(__file__).resolve().parent / "results" / "continual.json"
COMMON = ("continual", "--task", "finsentiment,support-intents,city-events", "--limit", "60")
LINES = {
    "minilm": (
        *(*COMMON, "--baseline", "finetune:minilm", "--with", "epochs=1,min_steps=24,batch=8,lr=2e-4"),
        *("--model", "smollm2", "--shots", "4"),
    ),
    "smollm2": (
        *(*COMMON, "--baseline", "lora:smollm2", "--with", "epochs=2,min_steps=0,batch=8"),
        *("--strategy", "none,replay", "--baselines-only"),
    ),
}


def main() -> None:
    said = json.loads(OUT.read_text(encoding="utf-8"))
    for name in sys.argv[1:] or LINES:
        with tempfile.TemporaryDirectory() as folder:
            found, _ = real.harness(*LINES[name], folder=Path(folder))
        said[name] = {**real.machine(), "command": real.command(LINES[name]), **found}
        OUT.write_text(json.dumps(said, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
