"""Answers that were made elsewhere, by a model, a service or a person, as a predictor like any other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Self

from harness import calibration
from harness.choice import failed
from harness.errors import InputError
from harness.kinds import Kind
from harness.kinds.words import apart
from harness.predictors.calibrated import NONE, TEST, Calibrated
from harness.types import Example, Prediction, Recording, Signature, Status, Trace, Usage


class Recorded:
    """``recordings`` are the answers by the items' ids, ``called`` is whose they are, ``digest`` that of their file. An
    item without an answer is skipped. ``seed`` tells apart the answers that one gave several times.

    Where an answer comes with a score of each label, ``calibrate`` mends these, estimated on the items themselves."""

    name = "recorded"
    drawn = False

    def __init__(
        self,
        kind: Kind,
        recordings: Mapping[str, Recording],
        called: str,
        digest: str = "",
        model: str = "",
        seed: int = 0,
        calibrate: str = NONE,
    ) -> None:
        self.kind, self.recordings, self.called, self.digest = kind, recordings, called, digest
        self.model, self.seed, self._calibrated = model, seed, None
        if calibrate != NONE:
            if not self.calibrates(calibrate) or not self.scored:
                raise InputError(
                    f"--calibrate {calibrate}: not of the answers {called!r}. What is estimated on scores of the items "
                    "themselves can be, where each answer has a score for every label."
                )
            words = kind.words(None, called)
            self._calibrated = Calibrated(calibrate, TEST, kind, kind.choices(Example("", {}, ""), words) or ())

    @property
    def history(self) -> Sequence[Mapping[str, float]]:
        return ()

    @staticmethod
    def calibrates(name: str) -> bool:
        """Whether a calibration asks for nothing but scores of unlabelled items."""
        method = calibration.create(name)
        return method.sampled and not method.labelled

    @property
    def scored(self) -> bool:
        """Whether each answer comes with the labels' scores."""
        said = [each for each in self.recordings.values() if each.text is not None]
        return bool(said) and all(each.scores is not None for each in said)

    @property
    def settings(self) -> Mapping[str, Any]:
        return {
            "answers": self.called,
            "model": self.model or None,
            "calibration": self._calibrated.title if self._calibrated else None,
        }

    @property
    def signature(self) -> Signature:
        mended = self._calibrated.signature if self._calibrated else Signature(())
        return (
            Signature.of(
                predictor=self.name, answers=f"{self.called}@{self.digest}", model=self.model or None, seed=self.seed
            )
            + mended
        )

    def fit(self, train: Sequence[Example], dev: Sequence[Example] = ()) -> Self:
        """There is nothing to learn."""
        return self

    def predict(self, examples: Sequence[Example]) -> Iterator[Prediction]:
        if self._calibrated is not None:
            self._calibrated.begin(())
        for example in examples:
            found = self.recordings.get(example.id, Recording(None))
            thought, text = apart(found.text or "")
            usage = Usage(found.spent.prompt, found.spent.prompt, found.spent.written)
            trace = Trace(raw=text, thought=thought, usage=usage, spent=found.spent)
            if found.text is None:
                if found.failure:
                    yield failed(example.id, found.failure, trace)
                else:
                    yield Prediction(example.id, None, Status.SKIPPED, trace=trace)
            elif self._calibrated is not None and found.scores is not None:
                yield from self._calibrated.take(example, found.scores, partial(self._mended, example, trace))
            else:
                yield self._read(example, text, found.scores, trace)
        if self._calibrated is not None:
            yield from self._calibrated.close()

    def _mended(self, example: Example, trace: Trace, row: Sequence[float]) -> Prediction:
        choices = self.kind.choices(example, self.kind.words(None, self.called)) or ()
        output, stated = self.kind.decide(choices, row)
        return Prediction(example.id, output, Status.OK, stated, trace)

    def _read(self, example: Example, text: str, scores: tuple[float, ...] | None, trace: Trace) -> Prediction:
        read = self.kind.recorded(text, example)
        if read.lost:
            trace = replace(trace, lost=read.lost)
        if read.output is None:
            return Prediction(example.id, None, Status.UNPARSED, scores, trace, read.mentioned)
        return Prediction(example.id, read.output, Status.OK, scores, trace)

    def __repr__(self) -> str:
        return f"Recorded({self.called!r}, {len(self.recordings)} answers)"
