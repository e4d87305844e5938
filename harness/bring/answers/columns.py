"""Answers in a table: one column is the answer, others say which item it is for."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from harness.bring.answers.said import Said, number, spent
from harness.errors import InputError, unknown
from harness.kinds import values
from harness.task.definition import Task
from harness.task.source import Row

IDS = ("id", "item_id", "example_id", "sample_id", "custom_id", "uid")
NAMES = (
    *("prediction", "predicted", "predicted_label", "pred", "output", "answer", "response", "completion", "reply"),
    *("generated_text", "generation", "model_output", "annotation", "label"),
)
SCORES = ("label_logprobs", "logprobs", "log_probabilities", "scores", "probabilities", "probs")
PREFIXES = ("", "p_", "prob_", "probability_", "logprob_", "score_")


def said(rows: Iterator[Row], task: Task, column: str | None, path: str) -> Iterator[Said]:
    """The answers of ``rows``, in ``column``, or in the one column that can be meant. Raises InputError where there is
    none, or where there are several."""
    chosen = None
    for where, row in rows:
        if chosen is None:
            chosen = _column(row, task, column, path)
            by_label = _by_label(row, task, chosen)
        if chosen not in row:
            raise unknown("column", chosen, row, where)
        answer = None if values.missing(row[chosen]) else row[chosen]
        scores = _scores(row, task, by_label, where)
        yield Said(
            where,
            row,
            _plain(answer),
            _id(row, task),
            None,
            scores,
            spent=spent(row, row.get("seconds"), row.get("latency_ms")),
        )


def _column(row: Mapping[str, Any], task: Task, column: str | None, path: str) -> str:
    if column is not None:
        if column not in row:
            raise unknown("column", column, row, path)
        return column
    spec = task.spec
    known = {*IDS, *spec.inputs, *spec.inputs.values(), *spec.tags, spec.id, spec.cluster, *task.kind.columns}
    left = [name for name in row if name not in known and name not in SCORES]
    free = [name for name in left if name != spec.target]
    named = [name for name in free if name.lower() in NAMES]
    found = named or ([spec.target] if spec.target in row else free)
    if len(found) != 1:
        several = f"{', '.join(map(repr, found))} could each be it" if found else f"it has {', '.join(map(repr, row))}"
        raise InputError(f"{path}: which column is the answer? {several}. Say --answers {path}:COLUMN.")
    return found[0]


def _id(row: Mapping[str, Any], task: Task) -> Any:
    return next((row[name] for name in (task.spec.id, *IDS) if name is not None and name in row), None)


def _by_label(row: Mapping[str, Any], task: Task, chosen: str) -> Mapping[str, str]:
    """The columns that hold each label's score, where the labels have such."""
    labels = task.kind.outputs
    for prefix in PREFIXES:
        named = {label: f"{prefix}{label}" for label in labels}
        if labels and all(column in row and column != chosen for column in named.values()):
            return named
    return {}


def _scores(row: Mapping[str, Any], task: Task, by_label: Mapping[str, str], where: str) -> Mapping[str, float] | None:
    if by_label:
        return {label: number(row[column], where, f"field {column!r}") for label, column in by_label.items()}
    column = next((name for name in SCORES if name in row), None)
    if column is None or values.missing(row[column]) or row[column] == "":
        return None
    found = _plain(row[column])
    if isinstance(found, str):
        try:
            found = json.loads(found)
        except (ValueError, RecursionError):
            raise InputError(f'{where}: field {column!r} holds no scores, such as {{"LABEL": -0.1}}.') from None
    labels = task.kind.outputs
    if isinstance(found, Sequence) and not isinstance(found, str) and len(found) == len(labels):
        found = dict(zip(labels, found, strict=True))
    if not isinstance(found, Mapping):
        raise InputError(f"{where}: field {column!r} must give each of the {len(labels)} labels a score.")
    return {str(label): number(value, where, f"field {column!r}, {label}") for label, value in found.items()}


def _plain(value: Any) -> Any:
    """An array of pandas or numpy as a list."""
    return value.tolist() if hasattr(value, "tolist") else value
