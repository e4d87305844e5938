"""An answer within a passage, or none."""

from __future__ import annotations

import json
import re
import string
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

from harness.errors import InputError
from harness.kinds import Kind, Label, Mark, Reading, Words, values
from harness.kinds.alignment import occurrences
from harness.kinds.replies import unwrapped
from harness.kinds.shift import shifted
from harness.types import Edit, Example

NONE = "none"
ABSENT = -1  # where an answer stands that the passage does not have
_BREAKS = re.compile(r"[\r\n\v\f\x85\u2028\u2029]+")
_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PARTS = re.compile(r"[㐀-䶿一-鿿豈-﫿぀-ヿ]|[^\s㐀-䶿一-鿿豈-﫿぀-ヿ]+")
_QUOTED = re.compile(r"[\"“「『]([^\"”」』]+)[\"”」』]")
_OFF = " \t\r\n\"'`*_“”‘’「」『』"


class Span(Kind):
    """The words of a passage that answer a question, or none where it does not. ``context`` names the passage's input;
    ``by`` says by what answers are compared: words, or characters for Chinese and its like.

    An answer is canonically a JSON list of ``[start, text]``: for a target its references, sorted; of an answer one at
    most, and none where there is none. An answer that the passage does not have stands as it was written, from -1.

    Right is SQuAD's exact match (Rajpurkar et al., 2016): lower case, without punctuation, articles and extra space."""

    name: ClassVar[str] = "span"
    baselines: ClassVar[Sequence[str]] = ("sentence", "finetune", "lora", "prefix-tuning", "prompt-tuning")
    measures: ClassVar[Sequence[str]] = ("item-score", "accuracy", "lenient-accuracy")
    head: ClassVar[str | None] = "answer"
    score: ClassVar[str] = "exact match"
    lenience: ClassVar[str] = "of a longer text, the one part in quotes that the passage has counts."

    context: str | None = None
    by: Literal["words", "characters"] = "words"

    def check_inputs(self, inputs: Sequence[str]) -> None:
        values.context(self.context, inputs)

    @property
    def metrics(self) -> Sequence[str]:
        return ["span-f1", "exact-match", "answer-f1", "no-answer-accuracy", "parse-failure-rate"]

    @property
    def main_metric(self) -> str:
        return "span-f1"

    def passage(self, example: Example) -> str:
        return example.inputs[self.context or next(iter(example.inputs))]

    def marks(self, example: Example, answer: str) -> Sequence[Mark]:
        name = self.context or next(iter(example.inputs))
        passage = example.inputs[name]
        stretches = ((start, start + len(text), text) for start, text in json.loads(answer) if start > ABSENT and text)
        return [Mark(name, start, end, "answer") for start, end, text in stretches if passage[start:end] == text]

    def target(self, row: Mapping[str, Any], column: str, inputs: Mapping[str, str], where: str) -> str:
        passage = inputs[self.context or next(iter(inputs))]
        found = {self._reference(each, passage, where) for each in self._listed(row[column], where, column)}
        return json.dumps(sorted(found), ensure_ascii=False)

    def moved(self, example: Example, edits: Sequence[Edit]) -> str | None:
        own = [edit for edit in edits if edit.input == (self.context or next(iter(example.inputs)))]
        found = []
        for start, text in json.loads(example.target):
            place = shifted(start, start + len(text), own) if start != ABSENT else (ABSENT, ABSENT)
            if place is None:
                return None
            found.append([place[0], text])
        return json.dumps(sorted(found), ensure_ascii=False)

    def _listed(self, given: Any, where: str, column: str) -> Sequence[Any]:
        """The references as they stand in a row: a list, SQuAD's object of two lists, JSON in a text, or a text."""
        if isinstance(given, str) and given.lstrip().startswith(("[", "{")):
            try:
                given = json.loads(given)
            except (ValueError, RecursionError):
                return [given]  # a passage may have it so
        if isinstance(given, Mapping) and isinstance(given.get("text"), list | tuple):
            starts = given.get("answer_start", given.get("start", ()))
            if len(starts) != len(given["text"]):
                raise InputError(f"{where}: field {column!r} has {len(given['text'])} texts but {len(starts)} starts.")
            return [{"text": text, "start": start} for text, start in zip(given["text"], starts, strict=True)]
        if hasattr(given, "tolist"):
            given = given.tolist()
        if values.missing(given):
            raise InputError(
                f"{where}: field {column!r} is null. Give the answer, or an empty list where there is none."
            )
        if isinstance(given, list | tuple):
            return given
        return [given] if isinstance(given, Mapping) or str(given).strip() else []

    def _reference(self, given: Any, passage: str, where: str) -> tuple[int, str]:
        if isinstance(given, list | tuple) and len(given) == 2:
            given = {"start": given[0], "text": given[1]}
        if isinstance(given, Mapping):
            text, start = given.get("text"), values.place(given.get("start", given.get("answer_start")))
        else:
            text, start = given, None
        if not isinstance(text, str) or not text.strip():
            raise InputError(f"{where}: the answer {given!r} has no text. Leave it out where there is no answer.")
        if start is None:
            start = passage.find(text)  # the first, where it stands several times
        if not isinstance(start, int):
            raise InputError(f"{where}: the answer {text!r} starts at {start!r}, which is no whole number.")
        if start < 0 or passage[start : start + len(text)] != text:
            stands = passage[max(start, 0) : max(start, 0) + len(text)]
            why = f"at {start} the passage has {stands!r}" if start >= 0 else "the passage does not have it"
            raise InputError(f"{where}: the answer {text!r} is not where it should be: {why}. Starts count characters.")
        return start, text

    def words(self, verbalizer: Mapping[str, str] | str | None, where: str) -> Words:
        if verbalizer is None:
            return Words({NONE: NONE})
        if isinstance(verbalizer, str) or set(verbalizer) != {NONE} or not verbalizer[NONE].strip():
            raise InputError(
                f"{where}: the verbalizer says what stands for no answer, such as `verbalizer: {{none: not stated}}`."
            )
        return Words(verbalizer)

    def labels_of(self, words: Words) -> tuple[Label, ...]:
        return (Label(NONE, words[NONE], "the passage does not say"),)

    def shown(self, example: Example, words: Words) -> str:
        found = json.loads(example.target)
        return _BREAKS.sub(" ", found[0][1]) if found else words[NONE]

    def read(self, text: str, example: Example, words: Words) -> Reading:
        """What is written, without quotes and a final stop that the passage does not have. Of a text of which the
        passage has but one part in quotes, that is the lenient reading."""
        said = unwrapped(text)
        bare = said.strip(_OFF)
        if not bare:
            return Reading(None)
        if bare.rstrip(".。").casefold() == words[NONE].rstrip(".。").casefold():
            return Reading("[]")
        passage = self.passage(example)
        for each in (said.strip(), bare, bare.rstrip(".。,，;；:："), bare.rstrip(".。") + "."):
            if places := occurrences(each, passage):
                start, end = places[0]
                return Reading(json.dumps([[start, passage[start:end]]], ensure_ascii=False))
        quoted = {place[0] for part in _QUOTED.findall(said) if (place := occurrences(part, passage))}
        if len(quoted) == 1:
            start, end = quoted.pop()
            return Reading(None, json.dumps([[start, passage[start:end]]], ensure_ascii=False))
        return Reading(json.dumps([[ABSENT, bare]], ensure_ascii=False), lost=1)

    def right(self, example: Example, output: str | None) -> float:
        if output is None:
            return 0.0
        return max(
            float(self.normalised(gold) == self.normalised(said)) for gold, said in pairs(example.target, output)
        )

    def overlap(self, target: str, output: str | None) -> float:
        """SQuAD's F1 over tokens of the best reference; of no answer, 1 where none is said."""
        if output is None:
            return 0.0
        return max(self._f1(self.normalised(gold), self.normalised(said)) for gold, said in pairs(target, output))

    def _f1(self, gold: Sequence[str], said: Sequence[str]) -> float:
        if not gold or not said:
            return float(gold == said)
        shared = sum((Counter(gold) & Counter(said)).values())
        return 2 * shared / (len(gold) + len(said))

    def normalised(self, text: str) -> Sequence[str]:
        """The tokens that answers are compared by: those of SQuAD's official script, or, by characters, as MLQA's has
        it for Chinese, whose characters stand alone and whose punctuation is that of Unicode."""
        lower = text.lower()
        if self.by == "characters":
            kept = "".join(c for c in lower if not unicodedata.category(c).startswith("P"))
            return _PARTS.findall(kept)
        plain = "".join(c for c in lower if c not in string.punctuation)
        return _ARTICLES.sub(" ", plain).split()


def pairs(target: str, output: str) -> list[tuple[str, str]]:
    """Each reference with the text that is said; empty texts for no answer."""
    gold = [text for _, text in json.loads(target)] or [""]
    said = next((text for _, text in json.loads(output)), "")
    return [(reference, said) for reference in gold]
