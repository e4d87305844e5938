"""Spans of a text, each of a type."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from itertools import pairwise
from typing import Any, ClassVar

from pydantic import Field, field_validator

from harness.errors import InputError, unknown
from harness.kinds import Kind, Label, Mark, Reading, Words, values
from harness.kinds.alignment import aligned
from harness.kinds.lists import listed
from harness.kinds.replies import array, unwrapped
from harness.kinds.shift import shifted
from harness.kinds.words import strict, verbalized
from harness.types import Edit, Example

Span = tuple[int, int, str]
MARKS = "marks"
_MARK = re.compile(r"\[((?:[^\[\]\\]|\\.)*)\]\(((?:[^()\\]|\\.)*)\)")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


class Entities(Kind):
    """Mentions in a text; ``labels`` maps their types to descriptions, ``context`` names the input that they are in.

    An answer is canonically a JSON list of ``[start, end, type]`` in characters, sorted; none overlaps another. It is
    written as a JSON list of mention and type, or with ``verbalizer: marks`` as the text itself with each mention as
    ``[mention](type)``; brackets and backslashes of the text have a backslash before them then, and line ends are
    spaces.

    A written mention is aligned to the text from left to right: it is the first place behind the mention before it that
    reads so, else the first in the text, and no two mentions share a character. What the text does not have, or has no
    type, is left out and counted as lost."""

    name: ClassVar[str] = "entities"
    baselines: ClassVar[Sequence[str]] = (*("dictionary", "crf", "finetune", "lora", "prefix-tuning", "prompt-tuning"),)
    measures: ClassVar[Sequence[str]] = ("item-score", "lenient-accuracy")
    head: ClassVar[str | None] = "tags"
    graded: ClassVar[bool] = True
    score: ClassVar[str] = "item score"
    lenience: ClassVar[str] = "of a text that is no list, the mentions that can be read in it count."
    forms: ClassVar[Sequence[str]] = (MARKS,)

    labels: dict[str, str] = Field(min_length=1)
    context: str | None = None

    _labels = field_validator("labels", mode="before")(values.described)

    def check_inputs(self, inputs: Sequence[str]) -> None:
        values.context(self.context, inputs)

    @property
    def metrics(self) -> Sequence[str]:
        return ["entity-f1", "entity-macro-f1", "type-f1", "partial-f1", "parse-failure-rate"]

    @property
    def main_metric(self) -> str:
        return "entity-f1"

    @cached_property
    def members(self) -> tuple[str, ...]:
        return tuple(self.labels)

    def classes(self, target: str) -> Sequence[str]:
        return list(dict.fromkeys(type_ for _, _, type_ in json.loads(target)))

    def passage(self, example: Example) -> str:
        return example.inputs[self.context or next(iter(example.inputs))]

    def confusions(self, example: Example, output: str | None) -> Sequence[tuple[str, str]]:
        """By stretches: one that is said with another type is taken for that type."""
        right: dict[tuple[int, int], str] = {(start, end): type_ for start, end, type_ in json.loads(example.target)}
        said = {} if output is None else {(start, end): type_ for start, end, type_ in json.loads(output)}
        held = [(type_, said.get(place, self.nothing)) for place, type_ in right.items()]
        return [*held, *((self.nothing, type_) for place, type_ in said.items() if place not in right)]

    def marks(self, example: Example, answer: str) -> Sequence[Mark]:
        name = self.context or next(iter(example.inputs))
        length = len(example.inputs[name])
        return [Mark(name, start, end, type_) for start, end, type_ in json.loads(answer) if 0 <= start < end <= length]

    def canonical(self, spans: Iterable[Span]) -> str:
        """``spans`` as one text."""
        return json.dumps(sorted(spans), ensure_ascii=False)

    def target(self, row: Mapping[str, Any], column: str, inputs: Mapping[str, str], where: str) -> str:
        text = inputs[self.context or next(iter(inputs))]
        spans = sorted(self._span(each, text, where) for each in listed(row[column], where, column))
        for (start, end, _), (after, _, _) in pairwise(spans):
            if after < end:
                raise InputError(
                    f"{where}: the spans {text[start:end]!r} at {start} and that at {after} overlap. Give one of them."
                )
        return self.canonical(spans)

    def _span(self, given: Any, text: str, where: str) -> Span:
        """One span of a data row: a list of start, end and type, or an object of them."""
        if isinstance(given, Mapping):
            given = [given.get("start"), given.get("end"), given.get("label", given.get("type"))]
        if not isinstance(given, list | tuple) or len(given) != 3:
            raise InputError(f"{where}: the span {given!r} is not [start, end, type], nor an object of these.")
        start, end, type_ = values.place(given[0]), values.place(given[1]), given[2]
        if not isinstance(start, int) or not isinstance(end, int):
            raise InputError(f"{where}: the span {given!r} needs whole numbers for start and end, in characters.")
        if type_ not in self.labels:
            raise unknown("type", type_, self.labels, f"{where}, span {given!r}")
        if not 0 <= start < end <= len(text):
            why = "is empty or reversed" if end <= start else f"is not within the {len(text)} characters of the text"
            raise InputError(f"{where}: the span {given!r} {why}. Ends are exclusive; characters count from 0.")
        if text[start:end] != text[start:end].strip():
            raise InputError(
                f"{where}: the span {given!r}, {text[start:end]!r}, begins or ends with white space. Leave that out."
            )
        return start, end, str(type_)

    def moved(self, example: Example, edits: Sequence[Edit]) -> str | None:
        own = [edit for edit in edits if edit.input == (self.context or next(iter(example.inputs)))]
        places = [(shifted(start, end, own), type_) for start, end, type_ in json.loads(example.target)]
        return (
            self.canonical((*place, type_) for place, type_ in places if place) if all(p for p, _ in places) else None
        )

    def words(self, verbalizer: Mapping[str, str] | str | None, where: str) -> Words:
        if isinstance(verbalizer, str):
            if verbalizer not in self.forms:
                raise unknown("verbalizer", verbalizer, self.forms, where)
            return Words(verbalized(self.labels, None, where), verbalizer)
        return verbalized(self.labels, verbalizer, where)

    def labels_of(self, words: Words) -> tuple[Label, ...]:
        return tuple(Label(name, words[name], text) for name, text in self.labels.items())

    def shown(self, example: Example, words: Words) -> str:
        text, spans = self.passage(example), json.loads(example.target)
        if words.form != MARKS:
            pairs = [[_line(text[start:end]), words[type_]] for start, end, type_ in spans]
            return json.dumps(pairs, ensure_ascii=False)
        parts, place = [], 0
        for start, end, type_ in spans:
            parts += [_escaped(text[place:start]), f"[{_escaped(text[start:end])}]({words[type_]})"]
            place = end
        return "".join([*parts, _escaped(text[place:])])

    def read(self, text: str, example: Example, words: Words) -> Reading:
        said = unwrapped(text)
        if words.form == MARKS:
            return self._marked(said, example, words)
        found, whole = array(said)
        if found is None:
            return Reading(None)
        output, lost = self._aligned(found, example, words)
        return Reading(output, lost=lost) if whole else Reading(None, output, lost)

    def recorded(self, text: str, example: Example) -> Reading:
        """Spans as data has them, a list of mentions, or the text with marks."""
        try:
            return Reading(self.target({"": json.loads(text)}, "", example.inputs, ""))
        except (InputError, ValueError, RecursionError):
            pass
        form = MARKS if array(unwrapped(text))[0] is None else None
        return self.read(text, example, self.words(form, self.name))

    def _marked(self, said: str, example: Example, words: Words) -> Reading:
        """An answer in marks: without them it has to be the text, white space aside; else it is a lenient reading."""
        pairs = [[_plain(mark[1]), _plain(mark[2])] for mark in _MARK.finditer(said)]
        output, lost = self._aligned(pairs, example, words)
        bare = _plain(_MARK.sub(lambda mark: mark[1], said))
        if _line(bare).split() == _line(self.passage(example)).split():
            return Reading(output, lost=lost)
        return Reading(None, output if pairs else None, lost)

    def _aligned(self, found: Sequence[Any], example: Example, words: Words) -> tuple[str, int]:
        """The answer that written mentions are, and how many of them are none of this text."""
        mentions, lost = [], 0
        for each in found:
            mention, type_ = _pair(each)
            label = strict(type_, words) if mention and type_ else None
            if label is None:
                lost += 1
            else:
                mentions.append((mention, label))
        spans = aligned([mention for mention, _ in mentions], self.passage(example))
        made = [(*span, label) for span, (_, label) in zip(spans, mentions, strict=True) if span]
        return self.canonical(made), lost + len(mentions) - len(made)

    def answer_schema(self, words: Words) -> Mapping[str, Any] | None:
        """A list of lists of two: a text, and one of the types' words. Of what a list holds at which place, servers
        know ``prefixItems``."""
        pair = {
            "type": "array",
            "prefixItems": [{"type": "string"}, {"enum": list(words.values())}],
            "items": False,
            "minItems": 2,
            "maxItems": 2,
        }
        return {"type": "array", "items": pair}

    def right(self, example: Example, output: str | None) -> float:
        """The item's own F1 over exact spans; 1 where there is none and none is said."""
        gold = {tuple(span) for span in json.loads(example.target)}
        said = {tuple(span) for span in json.loads(output)} if output is not None else set()
        if output is None:
            return 0.0
        return 2 * len(gold & said) / (len(gold) + len(said)) if gold or said else 1.0


def _pair(each: Any) -> tuple[str, str]:
    """Mention and type of a part of a written list; empty where it is neither a list of two nor an object of them."""
    if isinstance(each, Mapping):
        mention = next((each[key] for key in ("text", "mention", "entity", "name", "span") if key in each), None)
        each = [mention, next((each[key] for key in ("type", "label", "category") if key in each), None)]
    if isinstance(each, list) and len(each) == 2 and all(isinstance(part, str) for part in each):
        return each[0].strip(), each[1].strip()
    return "", ""


def _line(text: str) -> str:
    """``text`` on one line."""
    return re.sub(r"[\r\n\v\f\x85\u2028\u2029]+", " ", text)


def _escaped(text: str) -> str:
    return re.sub(r"([\[\]()\\])", r"\\\1", _line(text))


def _plain(text: str) -> str:
    return _ESCAPED.sub(r"\1", text)
