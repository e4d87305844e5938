"""One label an item, of a fixed set."""

from __future__ import annotations

import re
import string
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar

from pydantic import Field, field_validator, model_validator

from harness.errors import InputError, unknown
from harness.kinds import Choice, Kind, Label, Reading, Words, values
from harness.kinds.words import lenient, strict, verbalized
from harness.types import Example

DIRECTION = re.compile(r"(.+)\((e1,e2|e2,e1)\)")


class Classification(Kind):
    """One label of a fixed set; ``labels`` maps each to a description.

    ``order`` says that the labels are a scale, from one end to the other as they are named. ``null_label`` is the one
    that says there is nothing: F1 is over the others. ``directed`` labels are relations such as ``Cause-Effect(e1,e2)``
    and ``Cause-Effect(e2,e1)``: F1 is over relations, and an answer in the wrong direction is wrong (the official rule
    of SemEval-2010 task 8)."""

    name: ClassVar[str] = "classification"
    baselines: ClassVar[Sequence[str]] = (
        *("majority", "tfidf-logreg", "tfidf-svm", "embedding", "embedding-knn", "setfit"),
        *("finetune", "lora", "prefix-tuning", "prompt-tuning"),
    )

    measures: ClassVar[Sequence[str]] = (
        *("accuracy", "macro-f1", "micro-f1", "class-f1", "mcc", "qwk", "mae", "item-score"),
        *("cohen-kappa", "krippendorff-alpha"),
        *("lenient-accuracy", "parse-failure-rate", "ece", "brier"),
    )
    head: ClassVar[str | None] = "label"
    lenience: ClassVar[str] = "an unparsed text that mentions just one label counts as that label."
    forms: ClassVar[Sequence[str]] = ("letters",)

    labels: dict[str, str] = Field(min_length=2)
    order: bool = False
    null_label: str | None = None
    directed: bool = False

    _labels = field_validator("labels", mode="before")(values.described)

    @model_validator(mode="after")
    def _consistent(self) -> Classification:
        if self.null_label is not None and self.null_label not in self.labels:
            raise ValueError(str(unknown("null_label", self.null_label, self.labels)))
        if self.null_label is not None and len(self.labels) < 3:
            raise ValueError("with a null_label there must be two other labels at least")
        if self.order and (self.directed or self.null_label is not None):
            raise ValueError("labels with `order` are a scale, so none can be directed or a null_label")
        if self.directed and not any(DIRECTION.fullmatch(label) for label in self.labels):
            raise ValueError("no label is directed; write them as NAME(e1,e2) and NAME(e2,e1)")
        return self

    @property
    def metrics(self) -> Sequence[str]:
        more = ["qwk", "mae"] if self.order else [] if self.null_label is None else ["micro-f1"]
        return ["accuracy", "macro-f1", "mcc", *more]

    @property
    def main_metric(self) -> str:
        return "accuracy" if self.null_label is None else "macro-f1"

    @cached_property
    def outputs(self) -> tuple[str, ...]:
        return tuple(self.labels)

    def group(self, output: str) -> str | None:
        if output == self.null_label:
            return None
        found = DIRECTION.fullmatch(output) if self.directed else None
        return found[1] if found else output

    def classes(self, target: str) -> Sequence[str]:
        return (target,)

    def confusions(self, example: Example, output: str | None) -> Sequence[tuple[str, str]]:
        return [(example.target, self.nothing if output is None else output)]

    def target(self, row: Mapping[str, Any], column: str, inputs: Mapping[str, str], where: str) -> str:
        given = row[column]
        if values.missing(given) or (given == "" and "" not in self.labels):
            raise InputError(
                f"{where}: no label: field {column!r} is {'null' if given is None else 'empty'}. Give it one of "
                f"{', '.join(self.labels)}, or take the row out."
            )
        label = values.text(given, where, column)
        if label not in self.labels:
            raise unknown("label", label, self.labels, where)
        return label

    def words(self, verbalizer: Mapping[str, str] | str | None, where: str) -> Words:
        if isinstance(verbalizer, str):
            if verbalizer not in self.forms:
                raise unknown("verbalizer", verbalizer, self.forms, where)
            if len(self.labels) > 26:
                raise InputError(
                    f"{where}: `verbalizer: letters` names 26 labels at most, but there are {len(self.labels)}."
                )
            return Words(dict(zip(self.labels, string.ascii_uppercase, strict=False)))
        return verbalized(self.labels, verbalizer, where)

    def labels_of(self, words: Words) -> tuple[Label, ...]:
        return tuple(Label(name, words[name], text) for name, text in self.labels.items())

    def label_of(self, target: str) -> str | None:
        return target

    def shown(self, example: Example, words: Words) -> str:
        return words[example.target]

    def scored(self, words: Words) -> bool:
        return True

    def choices(self, example: Example, words: Words) -> Sequence[Choice]:
        return [Choice(label, word) for label, word in words.items()]

    def read(self, text: str, example: Example, words: Words) -> Reading:
        if output := strict(text, words):
            return Reading(output)
        return Reading(None, lenient(text, words))

    def document(self) -> dict[str, Any]:
        return {"name": self.name, **self.model_dump(exclude_defaults=True), "labels": list(self.labels)}
