"""What is known after a turn of a dialogue: values of slots."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar, Self

from pydantic import Field, field_validator, model_validator

from harness.errors import InputError, unknown
from harness.kinds import Kind, Label, Reading, Words
from harness.kinds import values as fields
from harness.kinds.forms import forms, plain
from harness.kinds.replies import DECODER, mapping, unwrapped
from harness.kinds.words import verbalized
from harness.tokens import fold
from harness.types import Example

NOTHING = ("", "none", "null", "not mentioned", "unknown", "n/a", "无", "未提及")


class State(Kind):
    """Values of slots, as far as they are known; ``slots`` maps each to a description, ``values`` those that have but
    some values to a list of them.

    An answer is canonically a JSON object, sorted by slot, a listed value as the list has it. Where several values of a
    slot are right, the target has a list of them, and the first is shown. Values are equal where they are after NFKC,
    in lower case, with white space as single blanks. A slot whose value is null, empty or says that there is none
    ("none", "not mentioned"; unless ``values`` list that) is not known. A slot that the task does not have and a value
    that is none of the slot's are left out of an answer and counted as lost."""

    name: ClassVar[str] = "state"
    baselines: ClassVar[Sequence[str]] = ("last-mention", "finetune", "lora", "prefix-tuning", "prompt-tuning")
    measures: ClassVar[Sequence[str]] = ("item-score", "accuracy", "lenient-accuracy")
    score: ClassVar[str] = "joint goal accuracy"
    lenience: ClassVar[str] = "an unparsed text with just one JSON object in it counts as that object."

    slots: dict[str, str] = Field(min_length=1)
    values: dict[str, list[str]] = Field(default_factory=dict)

    _slots = field_validator("slots", mode="before")(fields.described)

    @field_validator("values", mode="before")
    @classmethod
    def _listed(cls, value: object) -> object:
        """``true`` and numbers of YAML as texts."""
        if not isinstance(value, dict):
            return value
        return {str(slot): fields.names(each) if isinstance(each, list) else each for slot, each in value.items()}

    @model_validator(mode="after")
    def _apart(self) -> Self:
        for slot, listed in self.values.items():
            if slot not in self.slots:
                raise ValueError(str(unknown("slot", slot, self.slots, "field values")))
            if not listed:
                raise ValueError(f"{slot!r} has no values; leave it out where it may have any")
            if not all(map(fold, listed)):
                raise ValueError(f"{slot!r} has an empty value; take it out")
            if len(set(map(fold, listed))) < len(listed):
                raise ValueError(f"two values of {slot!r} read alike, as case and blanks do not count; take one out")
        return self

    @property
    def metrics(self) -> Sequence[str]:
        return ["joint-goal-accuracy", "slot-f1", "parse-failure-rate"]

    @property
    def main_metric(self) -> str:
        return "joint-goal-accuracy"

    @cached_property
    def members(self) -> tuple[str, ...]:
        return tuple(self.slots)

    def classes(self, target: str) -> Sequence[str]:
        return list(json.loads(target))

    def confusions(self, example: Example, output: str | None) -> Sequence[tuple[str, str]]:
        """A slot with a wrong value is missed and invented, as slot F1 counts it."""
        gold, said = json.loads(example.target), {} if output is None else json.loads(output)
        hit = {slot for slot, value in said.items() if slot in gold and agrees(value, gold[slot])}
        held = [(slot, slot if slot in hit else self.nothing) for slot in gold]
        return [*held, *((self.nothing, slot) for slot in said if slot not in hit)]

    def target(self, row: Mapping[str, Any], column: str, inputs: Mapping[str, str], where: str) -> str:
        given = row[column]
        if isinstance(given, str):
            try:
                given = json.loads(given, object_pairs_hook=_once)
            except (ValueError, RecursionError) as error:
                raise InputError(f"{where}: field {column!r} is no JSON object: {error}.") from None
        if not isinstance(given, Mapping):
            raise InputError(f'{where}: field {column!r} must be an object of slots, such as {{"city": "Oslo"}}.')
        made: dict[str, Any] = {}
        for slot, value in given.items():
            if slot not in self.slots:
                raise unknown("slot", slot, self.slots, where)
            if isinstance(value, list | tuple) or not fields.missing(value):
                listed = value if isinstance(value, list | tuple) else [value]
                texts = list(dict.fromkeys(self._accepted(slot, each, f"{column}.{slot}", where) for each in listed))
                if not texts:
                    raise InputError(f"{where}: slot {slot!r} has an empty value. Leave out what is not known.")
                made[slot] = texts[0] if len(texts) == 1 else texts
        return canonical(made)

    def _accepted(self, slot: str, value: object, field: str, where: str) -> str:
        """One right value of a slot, as a listed one is listed. Raises InputError for one that no answer could be."""
        text = plain(fields.text(value, where, field))
        if not text:
            raise InputError(f"{where}: slot {slot!r} has an empty value. Leave out what is not known.")
        if self._silent(slot, text):
            raise InputError(
                f"{where}: slot {slot!r} has the value {text!r}, which says that there is none. Leave it out; where it "
                "is a value like others, name all that the slot has under `values` in task.yaml."
            )
        if (known := self._known(slot, text)) is None:
            raise unknown(f"value of slot {slot!r}", text, self.values[slot], where)
        return known

    def _known(self, slot: str, text: str) -> str | None:
        """A value as it is listed; as it is, where any may be; None where it is none of the slot's."""
        return self._folded[slot].get(fold(text)) if slot in self.values else text

    def _silent(self, slot: str, text: str) -> bool:
        """Whether a value says that there is none."""
        return fold(text) in NOTHING and fold(text) not in self._folded.get(slot, {})

    @cached_property
    def _folded(self) -> Mapping[str, Mapping[str, str]]:
        """Of each slot with a list, the values by how they are compared."""
        return {slot: {fold(each): each for each in listed} for slot, listed in self.values.items()}

    def words(self, verbalizer: Mapping[str, str] | str | None, where: str) -> Words:
        if isinstance(verbalizer, str):
            raise InputError(f"{where}: the verbalizer of slots is a mapping of each to its word; not {verbalizer!r}.")
        return verbalized(self.slots, verbalizer, where)

    def labels_of(self, words: Words) -> tuple[Label, ...]:
        return tuple(Label(name, words[name], text) for name, text in self.slots.items())

    def shown(self, example: Example, words: Words) -> str:
        found = {words[slot]: accepted(value)[0] for slot, value in json.loads(example.target).items()}
        return json.dumps(found, ensure_ascii=False)

    def read(self, text: str, example: Example, words: Words) -> Reading:
        said = unwrapped(text)
        found, whole = mapping(said)
        if found is not None and whole:
            output, lost = self._taken(found, words)
            return Reading(output, lost=lost)
        taken = {self._taken(each, words) for each in _objects(said)}
        return Reading(None, *taken.pop()) if len(taken) == 1 else Reading(None)

    def _taken(self, found: Mapping[str, Any], words: Words) -> tuple[str, int]:
        """What an object says, canonically, and how many parts of it are no answer."""
        said, own = forms(words), forms({slot: slot for slot in self.slots})
        made, lost = {}, 0
        for name, value in found.items():
            slot, text = said.label(name) or own.label(name), _text(value)
            if value is None or (isinstance(value, str) and self._silent(slot or "", value)):
                continue
            known = self._known(slot, text) if slot and text else None
            if slot and known:
                made[slot] = known
            else:
                lost += 1
        return canonical(made), lost

    def answer_schema(self, words: Words) -> Mapping[str, Any] | None:
        """An object of the slots' words, each a text, or one of those listed; none is required."""
        properties = {
            word: {"type": "string", "enum": self.values[slot]} if slot in self.values else {"type": "string"}
            for slot, word in words.items()
        }
        return {"type": "object", "properties": properties, "additionalProperties": False}

    def right(self, example: Example, output: str | None) -> float:
        """Whether all slots are right, and no other has a value."""
        if output is None:
            return 0.0
        gold, said = json.loads(example.target), json.loads(output)
        return float(gold.keys() == said.keys() and all(agrees(value, gold[slot]) for slot, value in said.items()))


def canonical(state: Mapping[str, Any]) -> str:
    """A state as one text."""
    return json.dumps(state, ensure_ascii=False, sort_keys=True)


def accepted(value: str | Sequence[str]) -> Sequence[str]:
    """The values that a target takes for right."""
    return [value] if isinstance(value, str) else value


def agrees(said: str, gold: str | Sequence[str]) -> bool:
    """Whether a value is one of those that are right."""
    return fold(said) in {fold(each) for each in accepted(gold)}


def _text(value: object) -> str:
    """One value of a written object, as data rows are read; empty where it is no text, such as a list."""
    try:
        return plain(fields.text(value, "", ""))
    except InputError:
        return ""


def _objects(text: str) -> list[dict[str, Any]]:
    """The JSON objects in a text, from left to right; none of them within another."""
    found, place = [], text.find("{")
    while place >= 0:
        try:
            made, end = DECODER.raw_decode(text, place)
        except (ValueError, RecursionError):
            end = place + 1
        else:
            found.append(made)
        place = text.find("{", end)
    return found


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose slots stand once each."""
    names = [name for name, _ in pairs]
    if twice := [name for name in names if names.count(name) > 1]:
        raise ValueError(f"the slot {twice[0]!r} stands twice")
    return dict(pairs)
