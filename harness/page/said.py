"""What the runs of a row say to each item, read once and as columns."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from harness.compare.differences import Row
from harness.results.store import Run
from harness.stats.resample import Array
from harness.types import Trace


@dataclass(slots=True)
class Said:
    """Columns of a row's first run, in the items' order, and ``hits`` (runs, n): each item's score in each run.
    ``stated`` are probabilities (n, labels), NaN where none are stated; None where none are of any item."""

    hits: Array
    outputs: list[str | None] = field(default_factory=list)
    status: list[str] = field(default_factory=list)
    demos: list[tuple[str, ...]] = field(default_factory=list)
    raw: list[str] = field(default_factory=list)
    thought: list[str] = field(default_factory=list)
    tokens: list[int] = field(default_factory=list)
    seconds: list[float | None] = field(default_factory=list)
    stated: npt.NDArray[np.float32] | None = None

    @property
    def mean(self) -> Array:
        """(n,) each item's score, the mean over the runs."""
        mean: Array = self.hits.mean(0)
        return mean


def said(row: Row) -> Said:
    """What ``row`` says."""
    known: dict[tuple[str, str | None], float] = {}
    first, *others = row.runs
    found, logprobs = Said(np.empty(0)), dict[int, Sequence[float]]()
    labels, empty = len(first.kind.outputs), Trace()
    for place, prediction in enumerate(first.predictions):
        trace = prediction.trace or empty
        found.outputs.append(prediction.output)
        found.status.append(prediction.status.value)
        found.demos.append(trace.demos)
        found.raw.append(trace.raw)
        found.thought.append(trace.thought)
        found.tokens.append(trace.spent.prompt + trace.spent.written)
        found.seconds.append(trace.spent.seconds)
        if prediction.label_logprobs is not None and len(prediction.label_logprobs) == labels:
            logprobs[place] = prediction.label_logprobs
    answers = [found.outputs, *([p.output for p in run.predictions] for run in others)]
    found.hits = np.array([_hits(first, each, known) for each in answers])
    if logprobs:
        found.stated = np.full((len(found.outputs), labels), math.nan, np.float32)
        found.stated[list(logprobs)] = np.exp(np.array(list(logprobs.values()), float))
    return found


def _hits(run: Run, outputs: Sequence[str | None], known: dict[tuple[str, str | None], float]) -> list[float]:
    """Each item's score: equal targets and answers have one and the same."""
    hits = []
    for example, output in zip(run.examples, outputs, strict=True):
        key = (example.target, output)
        if key not in known:
            known[key] = run.kind.right(example, output)
        hits.append(known[key])
    return hits


def demonstrated(row: Said) -> Mapping[str, int]:
    """The demonstrations that any item was shown, by id, with a number each."""
    ids = dict.fromkeys(name for shown in dict.fromkeys(row.demos) for name in shown)
    return {name: place for place, name in enumerate(ids)}
