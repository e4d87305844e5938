"""Any number of labels an item, of a fixed set."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar

from pydantic import Field, field_validator

from harness.errors import InputError, unknown
from harness.kinds import Choice, Kind, Label, Reading, Words, values
from harness.kinds.lists import listed
from harness.kinds.replies import unwrapped
from harness.kinds.words import strict, verbalized
from harness.types import Example

NONE, YES, NO = "none", "yes", "no"
YES_NO = "yes-no"
_SAID = re.compile(r"(.+?)\s*[:：=]\s*(yes|no|true|false|是|否)[.。]?", re.IGNORECASE)
_TRUE = ("yes", "true", "是")


class Multilabel(Kind):
    """Any number of labels of a fixed set, none too; ``labels`` maps each to a description.

    An answer is canonically a sorted JSON list. It is written as the labels' words with semicolons between them, in the
    order in which the task names them, or ``none``. With ``verbalizer: yes-no`` a model does not write it but scores,
    for each label, ``word: yes`` against ``word: no``: the label is said where the first is likelier."""

    name: ClassVar[str] = "multilabel"
    baselines: ClassVar[Sequence[str]] = (
        *("majority", "tfidf-logreg", "tfidf-svm", "embedding"),
        *("finetune", "lora", "prefix-tuning", "prompt-tuning"),
    )
    measures: ClassVar[Sequence[str]] = ("class-f1", "item-score", "accuracy", "lenient-accuracy")
    head: ClassVar[str | None] = "labels"
    score: ClassVar[str] = "subset accuracy"
    lenience: ClassVar[str] = "an unparsed text that names some labels among other things counts as those labels."
    forms: ClassVar[Sequence[str]] = (YES_NO,)

    labels: dict[str, str] = Field(min_length=2)

    _labels = field_validator("labels", mode="before")(values.described)

    @property
    def metrics(self) -> Sequence[str]:
        return ["micro-f1", "macro-f1", "class-f1", "hamming", "subset-accuracy", "parse-failure-rate"]

    @property
    def main_metric(self) -> str:
        return "micro-f1"

    @cached_property
    def members(self) -> tuple[str, ...]:
        return tuple(self.labels)

    def classes(self, target: str) -> Sequence[str]:
        found: list[str] = json.loads(target)
        return found

    def canonical(self, labels: Sequence[str]) -> str:
        """``labels`` as one text."""
        return json.dumps(sorted(set(labels)), ensure_ascii=False)

    def target(self, row: Mapping[str, Any], column: str, inputs: Mapping[str, str], where: str) -> str:
        found = [values.text(each, where, column) for each in listed(row[column], where, column)]
        for label in found:
            if label not in self.labels:
                raise unknown("label", label, self.labels, where)
        if twice := sorted({label for label in found if found.count(label) > 1}):
            raise InputError(f"{where}: field {column!r} names {twice[0]!r} twice.")
        return self.canonical(found)

    def words(self, verbalizer: Mapping[str, str] | str | None, where: str) -> Words:
        if isinstance(verbalizer, str):
            if verbalizer not in self.forms:
                raise unknown("verbalizer", verbalizer, self.forms, where)
            return Words(verbalized(self.labels, None, where), verbalizer)
        words = verbalized(self.labels, verbalizer, where)
        for label, word in words.items():
            if ";" in word or "\n" in word or word.casefold() == NONE:
                raise InputError(
                    f"{where}: the word {word!r} of label {label!r} cannot stand in a list with semicolons, or is what "
                    f"says that there is no label. Give it another in the verbalizer."
                )
        return words

    def labels_of(self, words: Words) -> tuple[Label, ...]:
        return tuple(Label(name, words[name], text) for name, text in self.labels.items())

    def shown(self, example: Example, words: Words) -> str:
        held = set(self.classes(example.target))
        if words.form == YES_NO:
            return "\n".join(f"{word}: {YES if label in held else NO}" for label, word in words.items())
        return "; ".join(word for label, word in words.items() if label in held) or NONE

    def scored(self, words: Words) -> bool:
        return words.form == YES_NO

    def choices(self, example: Example, words: Words) -> Sequence[Choice] | None:
        if words.form != YES_NO:
            return None
        return [Choice(label, f"{word}: {said}") for label, word in words.items() for said in (YES, NO)]

    def answers(self, words: Words) -> Sequence[str] | None:
        return (YES, NO)

    def decide(self, choices: Sequence[Choice], row: Sequence[float]) -> tuple[str, tuple[float, ...] | None]:
        """The labels whose yes is likelier than their no."""
        places = range(0, len(row), 2)
        return self.canonical([choices[at].output for at in places if row[at] > row[at + 1]]), None

    def contests(self, choices: Sequence[Choice]) -> Sequence[Sequence[int]]:
        return [(at, at + 1) for at in range(0, len(choices), 2)]

    def winners(self, choices: Sequence[Choice], target: str) -> Sequence[int]:
        held = set(self.classes(target))
        return [int(choice.output not in held) for choice in choices[::2]]

    def read(self, text: str, example: Example, words: Words) -> Reading:
        """Words parted by semicolons, commas or line ends, a JSON list of them, ``none``, or lines ``word: yes``."""
        parts = self._parts(unwrapped(text), words)
        if not parts:
            return Reading(None)
        if len(parts) == 1 and parts[0].casefold().strip(" .。\"'") in (NONE, "[]", "无", "没有"):
            return Reading(self.canonical([]))
        found, lost = [], 0
        for part in parts:
            said = _SAID.fullmatch(part)
            label = strict(said[1] if said else part, words)
            if label is None:
                lost += 1
            elif said is None or said[2].casefold() in _TRUE:
                found.append(label)
        if not lost:
            return Reading(self.canonical(found))
        return Reading(None, self.canonical(found) if found else None, lost)

    def _parts(self, text: str, words: Words) -> list[str]:
        try:
            read = json.loads(text)
        except (ValueError, RecursionError):
            read = None
        if isinstance(read, list) and all(isinstance(each, str) for each in read):
            return read or ["[]"]
        breaks = ";；\n" + "".join(mark for mark in ",，、" if not any(mark in word for word in words.values()))
        return [part.strip() for part in re.split(f"[{breaks}]", text) if part.strip()]

    def lines(self, words: Words) -> bool:
        return words.form != YES_NO

    def answer_schema(self, words: Words) -> Mapping[str, Any] | None:
        """A list of answer words."""
        return {"type": "array", "items": {"enum": list(words.values())}, "uniqueItems": True}
