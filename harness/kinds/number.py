"""A number with its unit, over a text and a table."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, ClassVar

from pydantic import Field

from harness.errors import InputError
from harness.kinds import Kind, Reading, Words, values
from harness.kinds.quantities import Quantity, quantities, whole
from harness.kinds.replies import unwrapped
from harness.types import Example

_SAID = re.compile(r"(?:=|\bis\b|\bwas\b|\bof\b|[:：]|是|为|约)\s*(?P<rest>[^=]*)$", re.IGNORECASE)
_OFF = " \t\r\n\"'`*_“”‘’.。"


class Number(Kind):
    """A number, such as ``12.5 %`` or ``340 million USD``. It is right within ``tolerance``, a share of the right
    value, or within ``absolute``; ``question`` names the input that asks (else the last one), the others are what the
    numbers come from.

    An answer is canonically the decimal, its scale word and its unit. Read are 1,234.5 and 1.234,5, (12) for -12, 12 %
    and 12 percent, 1.2 million, 1.2bn, 1.2亿, 百分之十二, full-width digits, and currencies before or after. A target
    without a unit takes any but a percent sign."""

    name: ClassVar[str] = "number"
    baselines: ClassVar[Sequence[str]] = (
        *("operation", "largest-number", "last-number"),
        *("finetune", "lora", "prefix-tuning", "prompt-tuning"),
    )
    measures: ClassVar[Sequence[str]] = ("item-score", "accuracy")
    score: ClassVar[str] = "number accuracy"
    lenience: ClassVar[str] = "of a text with just one number, or one that it gives as its result, that number counts."

    tolerance: float = Field(default=0.0, ge=0, lt=1)
    absolute: float = Field(default=0.0, ge=0)
    question: str | None = None

    def check_inputs(self, inputs: Sequence[str]) -> None:
        values.context(self.question or inputs[-1], inputs)

    @property
    def metrics(self) -> Sequence[str]:
        return ["number-accuracy", "value-accuracy", "lenient-accuracy", "parse-failure-rate"]

    @property
    def main_metric(self) -> str:
        return "number-accuracy"

    def passage(self, example: Example) -> str:
        """All that numbers may come from: the inputs without the question, if there are any."""
        asked = self.asked(example)
        return "\n".join(text for text in example.inputs.values() if text != asked) or asked

    def asked(self, example: Example) -> str:
        """The question."""
        return example.inputs[self.question or list(example.inputs)[-1]]

    def target(self, row: Mapping[str, Any], column: str, inputs: Mapping[str, str], where: str) -> str:
        if values.missing(row[column]):
            raise InputError(f"{where}: no number: field {column!r} is null. Give one, or take the row out.")
        text = values.text(row[column], where, column)
        found = _canonical(whole(text.strip(_OFF)) or whole(text))
        if found is None:
            raise InputError(
                f"{where}: field {column!r} is {text!r}, which is not one number with its unit, such as 12.5 % or 340 "
                "million USD."
            )
        return found

    def shown(self, example: Example, words: Words) -> str:
        return example.target

    def read(self, text: str, example: Example, words: Words) -> Reading:
        said = unwrapped(text)
        if found := _canonical(whole(said) or whole(said.strip(_OFF))):
            return Reading(found)
        return Reading(None, self._mentioned(said))

    def _mentioned(self, said: str) -> str | None:
        """The one number in a text; of several, the one behind the last sign or word that gives a result."""
        found = {_canonical(each) for each in quantities(said)}
        if len(found) > 1 and (result := _SAID.search(said)):
            found = {_canonical(each) for each in quantities(result["rest"])}
        return found.pop() if len(found) == 1 else None

    def right(self, example: Example, output: str | None) -> float:
        return float(output is not None and self.near(example.target, output) and _of_one_unit(example.target, output))

    def near(self, target: str, output: str) -> bool:
        """Whether the value is right, whatever the unit."""
        gold, said = quantity(target).value, quantity(output).value
        room = max(Decimal(str(self.tolerance)) * abs(gold), Decimal(str(self.absolute)))
        return abs(gold - said) <= room


def quantity(text: str) -> Quantity:
    """What a canonical answer says."""
    found = whole(text)
    assert found is not None
    return found


def _canonical(found: Quantity | None) -> str | None:
    """A number as canonical text; None where that reads as another, as "2亿 m" would: 200000000 m are more."""
    text = "" if found is None else str(found)
    again = whole(text)
    same = found and again and (again.value, again.unit) == (found.value, found.unit)
    return text if same else None


def _of_one_unit(target: str, output: str) -> bool:
    gold, said = quantity(target).unit, quantity(output).unit
    return said != "%" if not gold else gold.casefold() == said.casefold()
