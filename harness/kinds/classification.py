"""One label an item, of a fixed set."""

from __future__ import annotations

import re
import string
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar

from pydantic import Field, field_validator, model_validator

from harness.errors import InputError, unknown
from harness.kinds import Choice, Kind, Label, Reading, values
from harness.kinds.words import check, lenient, strict
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

    labels: dict[str, str] = Field(min_length=2)
    order: bool = False
    null_label: str | None = None
    directed: bool = False

    @field_validator("labels", mode="before")
    @classmethod
    def _list_of_labels(cls, value: Any) -> Any:
        if isinstance(value, list):
            return dict.fromkeys(values.names(value), "")
        if isinstance(value, dict):
            return {str(label): "" if text is None else text for label, text in value.items()}
        return value

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

    def target(self, row: Mapping[str, Any], column: str, where: str) -> str:
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

    def words(self, verbalizer: Mapping[str, str] | str | None, where: str) -> Mapping[str, str]:
        if isinstance(verbalizer, str):
            if len(self.labels) > 26:
                raise InputError(
                    f"{where}: `verbalizer: letters` names 26 labels at most, but there are {len(self.labels)}."
                )
            return dict(zip(self.labels, string.ascii_uppercase, strict=False))
        words = {name: name for name in self.labels} if verbalizer is None else verbalizer
        for name in words:
            if name not in self.labels:
                raise unknown("label in the verbalizer", name, self.labels, where)
        if missing := [name for name in self.labels if name not in words]:
            raise InputError(f"{where}: the verbalizer has no word for {', '.join(missing)}.")
        check(words, where)
        return {name: words[name] for name in self.labels}

    def labels_of(self, words: Mapping[str, str]) -> tuple[Label, ...]:
        return tuple(Label(name, words[name], text) for name, text in self.labels.items())

    def shown(self, target: str, words: Mapping[str, str]) -> str:
        return words[target]

    def choices(self, example: Example, words: Mapping[str, str]) -> Sequence[Choice]:
        return [Choice(label, word) for label, word in words.items()]

    def read(self, text: str, example: Example, words: Mapping[str, str]) -> Reading:
        if output := strict(text, words):
            return Reading(output)
        return Reading(None, lenient(text, words))

    def document(self) -> dict[str, Any]:
        return {"name": self.name, **self.model_dump(exclude_defaults=True), "labels": list(self.labels)}
