"""Out of log-probabilities, the likeliest label; and when there is none."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

from harness.types import Prediction, Status, Trace


def flaw(logprobs: Iterable[float]) -> str:
    """Why labels with these log-probabilities cannot be told apart: some are no numbers, or none is possible. Empty
    where they can; a label that is impossible (minus infinity) beside one that is not is no flaw."""
    values = list(logprobs)
    if any(math.isnan(value) or value == math.inf for value in values):
        return "the model's scores are not numbers (NaN or infinite): its weights or its training are broken"
    if values and max(values) == -math.inf:
        return "the model finds every answer impossible (log-probability minus infinity)"
    return ""


def normalised(row: Sequence[float]) -> tuple[float, ...]:
    """Natural-log probabilities that sum to one over ``row``; as they are where none is possible."""
    top = max(row)
    total = top + math.log(math.fsum(math.exp(value - top) for value in row)) if math.isfinite(top) else 0.0
    return tuple(float(value - total) for value in row)


def chosen(example_id: str, labels: Sequence[str], logprobs: Sequence[float], trace: Trace | None = None) -> Prediction:
    """The likeliest of ``labels``, whose ``logprobs`` are stated with it; none, and why, where they have a flaw."""
    if problem := flaw(logprobs):
        return failed(example_id, problem, trace)
    place = max(range(len(logprobs)), key=logprobs.__getitem__)
    return Prediction(example_id, labels[place], Status.OK, tuple(map(float, logprobs)), trace)


def failed(example_id: str, why: str, trace: Trace | None = None) -> Prediction:
    """An item without an answer."""
    told = replace(trace or Trace(), raw=why, choice_logprobs=None)
    return Prediction(example_id, None, Status.FAILED, trace=told)
