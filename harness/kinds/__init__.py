"""What an answer is. A kind writes each answer as one canonical text, so that equal texts are equal answers, and ids,
hashes, journals and sealed runs need to know nothing more. One line each; imported on use."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from pydantic import BaseModel, ConfigDict, ValidationError

from harness.errors import InputError
from harness.plugins import Table
from harness.types import Edit, Example

KINDS = Table(
    "kind",
    "harness.kinds",
    "harness.kinds",
    {
        "classification": "classification:Classification",
        "multilabel": "multilabel:Multilabel",
        "choice": "choice:Choosing",
        "entities": "entities:Entities",
        "span": "span:Span",
        "number": "number:Number",
        "text": "text:Text",
        "exact": "exact:Exact",
        "state": "state:State",
    },
)


@dataclass(frozen=True, slots=True)
class Label:
    """What a template sees of a label: its ``name``, the ``answer`` word that stands for it, its ``description``."""

    name: str
    answer: str
    description: str = ""

    def __str__(self) -> str:
        return self.answer


@dataclass(frozen=True, slots=True)
class Option:
    """What a template sees of an item's option: its ``text``, and the ``answer`` that stands for it."""

    answer: str
    text: str

    def __str__(self) -> str:
        return self.answer


class Words(dict[str, str]):
    """What a template says for answers: ``form`` is how an answer is written, where a kind knows several ways."""

    def __init__(self, words: Mapping[str, str] = {}, form: str = "") -> None:
        super().__init__(words)
        self.form = form


class Choice(NamedTuple):
    """One of the answers that an item may have: its canonical text, and the word that stands for it in a prompt."""

    output: str
    word: str


class Mark(NamedTuple):
    """A stretch of the input named ``input``, from ``start`` to before ``end`` in characters, and its class."""

    input: str
    start: int
    end: int
    name: str


class Reading(NamedTuple):
    """A written answer: as a strict reader takes it, and where that is None, the one answer that it mentions. ``lost``
    counts the parts of it that are in no way an answer to this item, such as a mention that its text does not have."""

    output: str | None
    mentioned: str | None = None
    lost: int = 0


class Kind(BaseModel):
    """A kind of answer. Its fields are what it adds to task.yaml; ``words`` are what its templates say for answers.

    ``metrics`` score a task that names none, ``main_metric`` first of all, ``measures`` can score it besides;
    ``baselines`` are those that can be trained for it, ``head`` is what an encoder gets for it (see
    ``predictors.networks.HEADS``). ``graded`` says that an answer is not simply right or wrong: ``right`` is then a
    share; ``score`` is what its mean over items is called. ``lenience`` says what a lenient reader takes for an answer.
    ``forms`` are the words that a template may have for ``verbalizer`` besides a mapping. What a subclass does not say
    holds for any text that is written. ``retold`` says that an answer retells its item's text."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: ClassVar[str]
    baselines: ClassVar[Sequence[str]]
    head: ClassVar[str | None] = None
    measures: ClassVar[Sequence[str]] = ()
    graded: ClassVar[bool] = False
    score: ClassVar[str] = "accuracy"
    lenience: ClassVar[str] = "an unparsed text that holds just one answer counts as that answer."
    forms: ClassVar[Sequence[str]] = ()
    retold: ClassVar[bool] = False

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

    @property
    def columns(self) -> Sequence[str]:
        """The columns of a data row that it reads besides inputs and target."""
        return ()

    def check_inputs(self, inputs: Sequence[str]) -> None:
        """Raises ValueError where a task with these inputs cannot be of this kind as its fields say."""

    @property
    def members(self) -> tuple[str, ...]:
        """All classes that an answer may be of, or have several of, in their order: what F1 is counted by."""
        return self.outputs

    def group(self, output: str) -> str | None:
        """The class that F1 counts an answer under; None for an answer that says there is nothing."""
        return output

    def classes(self, target: str) -> Sequence[str]:
        """What an answer has of ``members``: its label, labels or types. Items are broken down by it."""
        return ()

    @property
    def nothing(self) -> str:
        """What stands in a confusion matrix where there is no class: "none", in brackets where a class is called so."""
        name = "none"
        while name in self.members:
            name = f"({name})"
        return name

    def confusions(self, example: Example, output: str | None) -> Sequence[tuple[str, str]]:
        """What an answer takes for what: pairs of a class of the right answer and one of ``output``, ``nothing`` on
        either side for a class that is missed or invented. None where there are no ``members``. Of ``example`` it looks
        at the target alone."""
        right = self.classes(example.target)
        said = () if output is None else self.classes(output)
        held = [(each, each if each in said else self.nothing) for each in right]
        return [*held, *((self.nothing, each) for each in said if each not in right)]

    def marks(self, example: Example, answer: str) -> Sequence[Mark] | None:
        """Where ``answer``, the target or an output, lies in the item's inputs; None where answers of this kind do not
        lie in one. What lies outside the text is left out."""
        return None

    def offered(self, row: Mapping[str, Any], where: str) -> tuple[str, ...]:
        """The options of a data row's own, where the kind has such."""
        return ()

    def target(self, row: Mapping[str, Any], column: str, inputs: Mapping[str, str], where: str) -> str:
        """The right answer of a data row, which stands in ``column``, in canonical form; ``inputs`` are the row's, as
        texts. Raises InputError that says what is wrong with the row."""
        raise NotImplementedError

    def words(self, verbalizer: Mapping[str, str] | str | None, where: str) -> Words:
        """What a template's verbalizer says for each answer. Raises InputError for one that does not fit."""
        if verbalizer is not None:
            raise InputError(f"{where}: a task of kind {self.name} takes no verbalizer. Leave it out.")
        return Words()

    def labels_of(self, words: Words) -> tuple[Label, ...]:
        """What a template may list of the answers there are."""
        return ()

    def label_of(self, target: str) -> str | None:
        """The name of the one label among ``labels_of`` that a right answer is; None where it is not one."""
        return None

    def seen(self, options: Sequence[str], words: Words) -> Mapping[str, Sequence[Option]]:
        """What a template sees of an item besides its inputs, by name."""
        return {}

    def shown(self, example: Example, words: Words) -> str:
        """What a demonstration shows for its right answer: ``read`` gives it back."""
        raise NotImplementedError

    def scored(self, words: Words) -> bool:
        """Whether a model scores ``choices``; else it writes."""
        return False

    def choices(self, example: Example, words: Words) -> Sequence[Choice] | None:
        """The answers to score for an item; None where the answer is written."""
        return None

    def answers(self, words: Words) -> Sequence[str] | None:
        """The words of which one may begin another, so that the end of an answer has to be scored with each; None where
        each item has its own."""
        return tuple(words.values())

    def decide(self, choices: Sequence[Choice], row: Sequence[float]) -> tuple[str, tuple[float, ...] | None]:
        """The answer, by the choices' log-probabilities, and the row to state with it, if it is over answers that shut
        each other out: here the likeliest choice, and the row normalised over all."""
        from harness.choice import normalised

        place = max(range(len(row)), key=row.__getitem__)
        return choices[place].output, normalised(row)

    def contests(self, choices: Sequence[Choice]) -> Sequence[Sequence[int]]:
        """The sets of choices, by place, that shut each other out: here all of them."""
        return [range(len(choices))]

    def winners(self, choices: Sequence[Choice], target: str) -> Sequence[int]:
        """The place of the right choice within each of ``contests``."""
        return [[choice.output for choice in choices].index(target)]

    def passage(self, example: Example) -> str:
        """The text of an item that its answer is about, or lies in."""
        return example.text

    def moved(self, example: Example, edits: Sequence[Edit]) -> str | None:
        """The right answer after ``edits`` of the inputs; None where they touch what it stands on."""
        return example.target

    def read(self, text: str, example: Example, words: Words) -> Reading:
        """A written answer. Of ``example`` the target is not looked at."""
        raise NotImplementedError

    def recorded(self, text: str, example: Example) -> Reading:
        """An answer that was made elsewhere, for another prompt or by a person: in any form that a template may ask
        for, or as data has it. Of ``example`` the target is not looked at."""
        return self.read(text, example, self.words(None, self.name))

    def lines(self, words: Words) -> bool:
        """Whether an answer is one line, so that writing ends where the line does."""
        return True

    def answer_schema(self, words: Words) -> Mapping[str, Any] | None:
        """The JSON schema of a written answer; None where it is no JSON."""
        return None

    def right(self, example: Example, output: str | None) -> float:
        """An item's score in [0, 1]: what flips, right : wrong, slices and sequential looks count. Of ``example`` it
        looks at the target alone."""
        return float(output == example.target)

    def document(self) -> dict[str, Any]:
        """What a sealed run keeps of its kind: all that scoring it again asks for. ``of`` reads it."""
        return {"name": self.name, **self.model_dump(mode="json")}

    @property
    def identity(self) -> str:
        """``document`` as text: runs of different answers cannot be compared."""
        return json.dumps(self.document(), ensure_ascii=False)


def find(name: str) -> type[Kind]:
    """The kind called ``name``. Raises InputError for an unknown name."""
    found: type[Kind] = KINDS.find(name)
    return found


def of(document: Mapping[str, Any], where: str) -> Kind:
    """The kind that ``Kind.document`` wrote. Raises InputError where it is damaged."""
    try:
        return find(document["name"]).model_validate({k: v for k, v in document.items() if k != "name"})
    except (KeyError, TypeError, ValidationError) as error:
        raise InputError(f"{where}: no kind of answers that can be read ({type(error).__name__}).") from None
