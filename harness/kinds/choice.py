"""One of the item's own options."""

from __future__ import annotations

import re
import string
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

from pydantic import Field, field_validator

from harness.errors import InputError, unknown
from harness.kinds import Choice, Kind, Option, Reading, Words, values
from harness.kinds.lists import listed
from harness.kinds.words import lenient, strict
from harness.tokens import fold
from harness.types import Example

LETTERS = "letters"


class Choosing(Kind):
    """One of the options that each item has of its own. ``options`` is the column that holds them as a list or as an
    object of letters, or the list of the columns that hold one each.

    An answer is canonically the option's number, from 1. In the data it is a letter, the option's own text, or a number
    counted from ``first``; ``stated`` says which of these, where a text could be read as several. Options are scored as
    they continue the prompt, or, with ``verbalizer: letters``, by the letters that stand before them."""

    name: ClassVar[str] = "choice"
    baselines: ClassVar[Sequence[str]] = (
        *("place", "similarity", "finetune", "lora", "prefix-tuning", "prompt-tuning"),
    )
    measures: ClassVar[Sequence[str]] = ("lenient-accuracy", "item-score")
    head: ClassVar[str | None] = "options"
    lenience: ClassVar[str] = "an unparsed text that mentions just one option counts as that option."
    forms: ClassVar[Sequence[str]] = (LETTERS,)

    options: str | list[str]
    first: int = Field(default=1, ge=0, le=1)
    stated: Literal["any", "number", "letter", "text"] = "any"

    @field_validator("options", mode="before")
    @classmethod
    def _columns(cls, value: Any) -> Any:
        if isinstance(value, list) and len(values.names(value)) < 2:
            raise ValueError("name two columns at least, or one column that holds a list")
        return value

    @property
    def metrics(self) -> Sequence[str]:
        return ["accuracy", "parse-failure-rate", "ece"]

    @property
    def main_metric(self) -> str:
        return "accuracy"

    @property
    def columns(self) -> Sequence[str]:
        named = self.options
        return [named] if isinstance(named, str) else named

    def offered(self, row: Mapping[str, Any], where: str) -> tuple[str, ...]:
        named = self.options
        if isinstance(named, str):
            held = row[named]
            found = [held[key] for key in sorted(held)] if isinstance(held, dict) else listed(held, where, named)
            texts = [values.text(each, where, named) for each in found]
        else:
            texts = [values.text(row[name], where, name) for name in named]
        for place, text in enumerate(texts):
            if not text.strip():
                raise InputError(f"{where}: option {string.ascii_uppercase[place % 26]} is empty. Give it a text.")
        forms = [fold(text) for text in texts]
        if twice := [text for text, form in zip(texts, forms, strict=True) if forms.count(form) > 1]:
            raise InputError(f"{where}: the option {twice[0]!r} stands twice, so that no answer could be told from it.")
        if not 2 <= len(texts) <= len(string.ascii_uppercase):
            raise InputError(f"{where}: {len(texts)} options; an item needs from 2 to 26.")
        return tuple(texts)

    def target(self, row: Mapping[str, Any], column: str, inputs: Mapping[str, str], where: str) -> str:
        given, options = row[column], self.offered(row, where)
        if values.missing(given):
            raise InputError(f"{where}: no answer: field {column!r} is null. Give the letter of the right option.")
        text = values.text(given, where, column).strip()
        found = set()
        by = self.stated
        if by in ("any", "text") and text in options:
            found.add(options.index(text) + 1)
        if by in ("any", "letter") and re.fullmatch(r"[A-Za-z]", text):
            found.add(string.ascii_uppercase.index(text.upper()) + 1)
        if by in ("any", "number") and re.fullmatch(r"\d{1,2}", text):
            found.add(int(text) + 1 - self.first)
        found &= set(range(1, len(options) + 1))
        if len(found) != 1:
            why = "could be several options" if found else "is none of the options"
            raise InputError(
                f"{where}: the answer {text!r} {why}: {', '.join(map(repr, options))}. Give the right one's letter."
            )
        return str(found.pop())

    def words(self, verbalizer: Mapping[str, str] | str | None, where: str) -> Words:
        if verbalizer is None:
            return Words()
        if not isinstance(verbalizer, str):
            raise InputError(f"{where}: options have no words of their own. Write `verbalizer: letters`, or none.")
        if verbalizer not in self.forms:
            raise unknown("verbalizer", verbalizer, self.forms, where)
        return Words({str(i + 1): letter for i, letter in enumerate(string.ascii_uppercase)}, LETTERS)

    def seen(self, options: Sequence[str], words: Words) -> Mapping[str, Sequence[Option]]:
        return {"options": [Option(words.get(str(i), text), text) for i, text in enumerate(options, 1)]}

    def shown(self, example: Example, words: Words) -> str:
        return words.get(example.target, example.options[int(example.target) - 1])

    def scored(self, words: Words) -> bool:
        return True

    def choices(self, example: Example, words: Words) -> Sequence[Choice]:
        return [Choice(str(i), words.get(str(i), text)) for i, text in enumerate(example.options, 1)]

    def answers(self, words: Words) -> Sequence[str] | None:
        return tuple(words.values()) or None

    def recorded(self, text: str, example: Example) -> Reading:
        return self.read(text, example, self.words(LETTERS, self.name))

    def read(self, text: str, example: Example, words: Words) -> Reading:
        """An option's text, or with letters its letter, its text, or both."""
        texts = {str(i): option for i, option in enumerate(example.options, 1)}
        if words.form != LETTERS:
            return Reading(strict(text, texts)) if strict(text, texts) else Reading(None, lenient(text, texts))
        letters = {i: words[i] for i in texts}
        both = {i: f"{letters[i]}. {option}" for i, option in texts.items()}
        headed = {i: f"{letters[i]}) {option}" for i, option in texts.items()}
        for known in (letters, texts, both, headed):
            if found := strict(text, known):
                return Reading(found)
        said = {found for known in (letters, texts) if (found := lenient(text, known))}
        return Reading(None, said.pop() if len(said) == 1 else None)
