"""Every Eval Ever: JSON lines of single items (instance-level schema 0.2.1)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from harness.bring.given.finished import Finished
from harness.types import Example, Prediction, Prompt, Status

VERSION = "instance_level_eval_0.2.1"


def files(run: Finished) -> Mapping[str, str]:
    """One file, a line an item."""
    rows = [_row(run, *each) for each in run.answered()]
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    return {f"{run.run.name}_samples.jsonl": text}


def _row(run: Finished, item: Example, prediction: Prediction, prompt: Prompt | None) -> dict[str, Any]:
    spec, kind, said = run.run.spec, run.run.kind, run.text(item, prediction)
    model = str(spec.get("model") or spec["predictor"])
    score = kind.right(item, prediction.output)
    references = _references(item)
    row: dict[str, Any] = {
        "schema_version": VERSION,
        "evaluation_id": f"{run.task.name}/{model}/{run.run.name}",
        "model_id": model,
        "evaluation_name": run.task.name,
        "sample_id": item.id,
        "sample_hash": sha256("".join([item.text, *references]).encode()).hexdigest(),
        "interaction_type": "single_turn",
        "input": {"raw": item.text, "reference": references, "choices": list(item.options or kind.outputs) or None},
        "output": {"raw": [] if said is None else [said]},
        "answer_attribution": _attribution(item, prediction),
        "evaluation": {"score": score, "is_correct": score == 1},
        "metadata": {"split": str(spec["split"]), "status": prediction.status.value, **item.tags},
    }
    if prompt is not None:
        row["input"]["formatted"] = _formatted(prompt)
    trace = prediction.trace
    if trace and trace.thought:
        row["output"]["reasoning_trace"] = [trace.thought]
    if trace and prediction.status is Status.FAILED:
        row["error"] = trace.raw or "failed"
    if trace and trace.spent.prompt + trace.spent.written:
        read, written = trace.spent.prompt, trace.spent.written
        row["token_usage"] = {"input_tokens": read, "output_tokens": written, "total_tokens": read + written}
    if trace and trace.spent.seconds is not None:
        row["performance"] = {"latency_ms": trace.spent.seconds * 1000}
    return row


def _references(item: Example) -> list[str]:
    """The right answers as texts: those of a list, an option's own."""
    if item.options:
        return [item.options[int(item.target) - 1]]
    if item.target.startswith("["):
        try:
            found = json.loads(item.target)
        except ValueError:
            return [item.target]
        if found and all(isinstance(each, str) for each in found):
            return list(found)
    return [item.target]


def _attribution(item: Example, prediction: Prediction) -> list[dict[str, Any]]:
    if prediction.output is None:
        return []
    place = int(prediction.output) - 1 if item.options else None
    value = prediction.output if place is None else item.options[place]
    return [
        {
            "turn_idx": 0,
            "source": "output.raw",
            "extracted_value": value,
            "extraction_method": "custom",
            "is_terminal": True,
        }
    ]


def _formatted(prompt: Prompt) -> str:
    if isinstance(prompt.content, str):
        return prompt.content
    return json.dumps([{"role": each.role, "content": each.content} for each in prompt.content], ensure_ascii=False)
