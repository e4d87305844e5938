"""lm-evaluation-harness: ``samples_TASK.jsonl`` as ``--log_samples`` writes it, a line an item."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from harness.bring.given.finished import Finished
from harness.types import Example, Prediction, Prompt


def files(run: Finished) -> Mapping[str, str]:
    """One file. Items come in the order of the run."""
    rows = [_row(run, place, *each) for place, each in enumerate(run.answered())]
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    return {f"samples_{run.task.name}_{run.run.name}.jsonl": text}


def _row(run: Finished, place: int, item: Example, prediction: Prediction, prompt: Prompt | None) -> dict[str, Any]:
    context = item.text if prompt is None else _context(prompt)
    score = run.run.kind.right(item, prediction.output)
    scored = _scored(run, item, prediction, prompt, context)
    said = run.text(item, prediction)
    asked, answers, left = scored or ([[context, {}]], [[said]], [said])
    return {
        "doc_id": place,
        "doc": {"id": item.id, **item.inputs, **({"options": list(item.options)} if item.options else {})},
        "target": item.target,
        "arguments": asked,
        "resps": answers,
        "filtered_resps": left,
        "filter": "none",
        "metrics": ["acc"],
        "acc": score,
    }


def _scored(
    run: Finished, item: Example, prediction: Prediction, prompt: Prompt | None, context: str
) -> tuple[list[Any], list[Any], list[Any]] | None:
    """Requests, log-probabilities (of the choices against one another, as they were read) and what is left of them;
    None where the answer was written, or where its choices say nothing of one another."""
    kind, row = run.run.kind, prediction.label_logprobs
    choices = kind.choices(item, kind.words(None, run.run.name))
    if row is None or choices is None or len(choices) != len(row) or prediction.output is None:
        return None
    best = max(range(len(row)), key=row.__getitem__)
    if kind.recorded(choices[best].word, item).output != prediction.output:
        return None
    words = prompt.choices if prompt and prompt.choices else tuple(f" {choice.word}" for choice in choices)
    if any(word.strip() != choice.word.strip() for word, choice in zip(words, choices, strict=True)):
        words = tuple(f" {choice.word}" for choice in choices)  # a template's own words: another reader knows none
    answers = [[str(value), str(place == best)] for place, value in enumerate(row)]
    return [[context, word] for word in words], [[each] for each in answers], answers


def _context(prompt: Prompt) -> str:
    if isinstance(prompt.content, str):
        return prompt.content
    return json.dumps([{"role": each.role, "content": each.content} for each in prompt.content], ensure_ascii=False)
