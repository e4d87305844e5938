"""What an answer is. A kind writes each answer as one canonical text, so that equal texts are equal answers, and ids,
hashes, journals and sealed runs need to know nothing more. One line each; imported on use."""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from pydantic import BaseModel, ConfigDict, ValidationError

from harness.errors import InputError, unknown
from harness.types import Example

KINDS = {
    "classification": "classification:Classification",
}


@dataclass(frozen=True, slots=True)
class Label:
    """What a template sees of a label: its ``name``, the ``answer`` word that stands for it, its ``description``."""

    name: str
    answer: str
    description: str

    def __str__(self) -> str:
        return self.answer


class Choice(NamedTuple):
    """One of the answers that an item may have: its canonical text, and the word that stands for it in a prompt."""

    output: str
    word: str


class Reading(NamedTuple):
    """A written answer: as a strict reader takes it, and where that is None, the one answer that it mentions."""

    output: str | None
    mentioned: str | None = None


class Kind(BaseModel):
    """A kind of answer. Its fields are what it adds to task.yaml; ``words`` are what its templates say for answers.

    ``metrics`` score a task that names none, ``main_metric`` first of all; ``baselines`` are those that can be trained
    for it. What a subclass does not say holds for any text."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: ClassVar[str]
    baselines: ClassVar[Sequence[str]]

    @property
    def metrics(self) -> Sequence[str]:
        raise NotImplementedError

    @property
    def main_metric(self) -> str:
        raise NotImplementedError

    @property
    def outputs(self) -> tuple[str, ...]:
        """All answers there are, in their order, where they are a closed set; else none."""
        return ()

    def group(self, output: str) -> str | None:
        """The class that F1 counts an answer under; None for an answer that says there is nothing."""
        return output

    def target(self, row: Mapping[str, Any], column: str, where: str) -> str:
        """The right answer of a data row, which stands in ``column``, in canonical form. Raises InputError that says
        what is wrong with the row."""
        raise NotImplementedError

    def words(self, verbalizer: Mapping[str, str] | str | None, where: str) -> Mapping[str, str]:
        """What a template's verbalizer says for each answer. Raises InputError for one that does not fit."""
        raise NotImplementedError

    def labels_of(self, words: Mapping[str, str]) -> tuple[Label, ...]:
        """What a template may list of the answers there are."""
        return ()

    def shown(self, target: str, words: Mapping[str, str]) -> str:
        """What a demonstration shows for its answer: ``read`` gives it back."""
        raise NotImplementedError

    def choices(self, example: Example, words: Mapping[str, str]) -> Sequence[Choice] | None:
        """The answers to score for an item; None where the answer is written."""
        raise NotImplementedError

    def read(self, text: str, example: Example, words: Mapping[str, str]) -> Reading:
        """A written answer."""
        raise NotImplementedError

    def right(self, example: Example, output: str | None) -> float:
        """An item's score in [0, 1]: what flips, right : wrong, slices and sequential looks count."""
        return float(output == example.target)

    def document(self) -> dict[str, Any]:
        """What a sealed run keeps of its kind: all that scoring it again asks for. ``of`` reads it."""
        return {"name": self.name, **self.model_dump()}

    @property
    def identity(self) -> str:
        """``document`` as text: runs of different answers cannot be compared."""
        return json.dumps(self.document(), ensure_ascii=False)


def find(name: str) -> type[Kind]:
    """The kind called ``name``. Raises InputError for an unknown name."""
    if name not in KINDS:
        raise unknown("kind", name, KINDS)
    module, _, cls = KINDS[name].partition(":")
    made: type[Kind] = getattr(importlib.import_module(f"harness.kinds.{module}"), cls)
    return made


def of(document: Mapping[str, Any], where: str) -> Kind:
    """The kind that ``Kind.document`` wrote. Raises InputError where it is damaged."""
    try:
        return find(document["name"]).model_validate({k: v for k, v in document.items() if k != "name"})
    except (KeyError, TypeError, ValidationError) as error:
        raise InputError(f"{where}: no kind of answers that can be read ({type(error).__name__}).") from None
