"""Tasks that need Python, taken as what the installed lm_eval makes of them: text, choices and target of each item."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.bring.lm_eval import write
from harness.bring.lm_eval.definition import Definition, Splits, define
from harness.bring.lm_eval.refusal import Refusal
from harness.errors import HarnessError, InputError

SCRIPT = Path(__file__).with_name("asking.py")
PLAIN = ("target_delimiter", "fewshot_delimiter", "output_type", "num_fewshot", "repeats", "metric_list")
SAID = (*PLAIN, "filter_list", "generation_kwargs", "fewshot_config", "task")


def frozen(
    name: str,
    into: Path,
    path: Path | None = None,
    python: Path | None = None,
    limit: int | None = None,
    pipeline: str | None = None,
) -> list[str]:
    """Write each task that ``name`` stands for to lm_eval, of ``limit`` items a split at most, below ``into``. It runs
    once, with all the Python that the task names, in a process of its own: ``python``, else this one.

    Raises InputError where lm_eval is not there, and Refusal for what no text stands for."""
    with tempfile.TemporaryDirectory() as scratch:
        _run(name, path, python, limit, Path(scratch))
        made = [_made(folder, into, pipeline) for folder in sorted(Path(scratch).iterdir(), key=lambda f: int(f.name))]
    return [line for each in made for line in write.write(each, into)]


def _run(name: str, path: Path | None, python: Path | None, limit: int | None, scratch: Path) -> None:
    own = str(python or sys.executable)
    more = str(path.resolve()) if path else ""
    command = [own, "-c", SCRIPT.read_text(encoding="utf-8"), name, more, str(limit or 0), str(scratch)]
    try:
        done = subprocess.run(command, cwd=scratch, capture_output=True, text=True, errors="replace", check=False)
    except OSError as error:
        raise InputError(f"--python {own}: cannot be run: {error.strerror or error}.") from None
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        last = lines[-1].strip() if lines else f"exit code {done.returncode}"
        if "No module named 'lm_eval" in last:
            raise InputError(
                f"--freeze: {own} has no lm_eval. Install it there (pip install lm_eval), or name the Python that has "
                "it by --python."
            )
        raise HarnessError(f"--freeze: lm_eval made nothing of {name!r}: {last}")


def _made(folder: Path, into: Path, pipeline: str | None) -> write.Made:
    said = json.loads((folder / "task.json").read_text(encoding="utf-8"))
    where = f"task {said['task']!r}"
    for field in ("process_results", "metric_list", "filter_list", "fewshot_config"):
        if found := _python(said.get(field)):
            raise Refusal(where, "python", f"its answers are scored or shown by Python (`{field}`: {found}).")
    parts = {split: (folder / f"{split}.jsonl") for split in ("test", "train")}
    rows = {split: list(map(json.loads, _lines(file))) for split, file in parts.items() if file.exists()}
    task = _defined(said, rows, folder, pipeline, where)
    own = {split: "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in each) for split, each in rows.items()}
    return write.made(task, f"lm-evaluation-harness {said['lm_eval']}, frozen", None, into, own)


def _lines(file: Path) -> list[str]:
    return [line for line in file.read_text(encoding="utf-8").split("\n") if line]


def _defined(
    said: Mapping[str, Any], rows: Mapping[str, list[dict[str, Any]]], folder: Path, pipeline: str | None, where: str
) -> Definition:
    """The definition of a task whose columns are text, target and choices."""
    every = [row for each in rows.values() for row in each]
    if odd := next((row["text"] for row in every if not isinstance(row["text"], str)), None):
        raise Refusal(where, "fields", f"an item's text is {odd!r}: it asks of several inputs which is likeliest.")
    document = {field: said[field] for field in SAID if said.get(field) is not None}
    for field in ("description", "gen_prefix"):
        held = {row.pop(field) for row in every}
        if len(held) > 1:
            raise Refusal(where, "fields", f"`{field}` is each item's own.")
        document[field] = "".join(held)
    offered = [row.get("choices") for row in every]
    if any(offered):
        same = all(each == offered[0] for each in offered)
        document["doc_to_choice"] = offered[0] if same else "choices"
    document |= {"dataset_path": "frozen", "test_split": "test", "doc_to_text": "text", "doc_to_target": "target"}
    document |= {"fewshot_split": "train"} if "train" in rows else {}
    made = define(document, folder, pipeline, local=True)
    splits = Splits("test", "train" if "train" in rows else None, None, ())
    drawn = "lm-eval-spare" if said.get("spare") else "lm-eval"
    return replace(made, splits=splits, selector=made.selector if made.selector == "first" else drawn)


def _python(value: Any) -> str:
    """The name of the first function that ``value`` had."""
    if isinstance(value, dict):
        if "!python" in value:
            return str(value["!python"])
        return next((found for each in value.values() if (found := _python(each))), "")
    if isinstance(value, list):
        return next((found for each in value if (found := _python(each))), "")
    return ""
