"""A short text that is right where it is the same as a reference."""

from __future__ import annotations

import json
import string
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, field_validator, model_validator

from harness.errors import InputError
from harness.kinds import Kind, Reading, Words, values
from harness.kinds.patterns import compiled
from harness.types import Example

LONGEST = 20_000  # characters of an answer in which a pattern is looked for: its end, where results stand
_PUNCTUATION, _DIGITS = (str.maketrans("", "", signs) for signs in (string.punctuation, string.digits))


class Step(BaseModel):
    """One step from what was written to the answer: ``find`` takes what ``pattern`` matches (its first group that is
    not empty, where it has groups), of several matches the ``match``-th, counted from 0 or from the end by -1. Where
    there is none, ``otherwise`` is the answer, or there is none."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    do: Literal["find", "strip", "lower", "upper"]
    pattern: str | None = None
    match: int = 0
    otherwise: str | None = None

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, value: str | None) -> str | None:
        if value is not None:
            compiled(value)
        return value

    @model_validator(mode="after")
    def _whole(self) -> Step:
        if (self.do == "find") != (self.pattern is not None):
            raise ValueError("a step that finds has a `pattern`, and no other has")
        return self

    def taken(self, text: str) -> str | None:
        """What the step leaves of ``text``; None for no answer."""
        if self.do == "find":
            return self._found(text[-LONGEST:])
        return text.strip() if self.do == "strip" else text.lower() if self.do == "lower" else text.upper()

    def _found(self, text: str) -> str | None:
        assert self.pattern is not None
        found = compiled(self.pattern).findall(text)
        if not -len(found) <= self.match < len(found):
            return self.otherwise
        parts = found[self.match]
        said = parts if isinstance(parts, str) else next(filter(None, parts), None)
        return self.otherwise if said is None else said.strip()


class Exact(Kind):
    """A text that is right where it is one of its references, character by character, white space around it aside.

    ``read`` are the steps from what was written to the answer. Before they are compared, answer and reference lose what
    the patterns of ``ignore`` match, their case with ``ignore_case``, and ASCII punctuation and digits with
    ``ignore_punctuation`` and ``ignore_numbers``. With ``contained`` it is enough that a reference stands in the
    answer. With ``multiline`` an answer may have several lines.

    A target is canonically the JSON list of its references, an answer the text itself."""

    name: ClassVar[str] = "exact"
    baselines: ClassVar[Sequence[str]] = ("nearest", "finetune", "lora", "prefix-tuning", "prompt-tuning")
    measures: ClassVar[Sequence[str]] = ("accuracy", "item-score", "lenient-accuracy", "parse-failure-rate")
    lenience: ClassVar[str] = "a text in which the task's own steps find nothing counts as it is written."

    read_by: tuple[Step, ...] = ()
    ignore: tuple[str, ...] = ()
    ignore_case: bool = False
    ignore_punctuation: bool = False
    ignore_numbers: bool = False
    contained: bool = False
    multiline: bool = False

    @field_validator("ignore")
    @classmethod
    def _compiles(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for pattern in value:
            compiled(pattern)
        return value

    @property
    def metrics(self) -> Sequence[str]:
        return ["accuracy", "parse-failure-rate"]

    @property
    def main_metric(self) -> str:
        return "accuracy"

    def target(self, row: Mapping[str, Any], column: str, inputs: Mapping[str, str], where: str) -> str:
        given = row[column]
        given = given.tolist() if hasattr(given, "tolist") else given
        listed = given if isinstance(given, list | tuple) else [given]
        if not listed or any(values.missing(each) for each in listed):
            raise InputError(f"{where}: no answer: field {column!r} is null. Give a text, or a list of texts.")
        return json.dumps([values.text(each, where, column) for each in listed], ensure_ascii=False)

    def shown(self, example: Example, words: Words) -> str:
        found: list[str] = json.loads(example.target)
        return found[0]

    def read(self, text: str, example: Example, words: Words) -> Reading:
        said: str | None = text
        for step in self.read_by:
            said = None if said is None else step.taken(said)
        return Reading(said) if said is not None else Reading(None, text.strip())

    def lines(self, words: Words) -> bool:
        return not self.multiline

    def right(self, example: Example, output: str | None) -> float:
        if output is None:
            return 0.0
        said = self._plain(output)
        references = [self._plain(reference) for reference in json.loads(example.target)]
        return float(any(each == said or (self.contained and each in said) for each in references))

    def _plain(self, text: str) -> str:
        for pattern in self.ignore:
            text = compiled(pattern).sub("", text)
        text = text.lower() if self.ignore_case else text
        text = text.translate(_PUNCTUATION) if self.ignore_punctuation else text
        return (text.translate(_DIGITS) if self.ignore_numbers else text).strip()
