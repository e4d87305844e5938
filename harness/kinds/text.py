"""Free text: a translation, a summary, the next turn of a dialogue."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, ClassVar

from pydantic import field_validator

from harness.errors import InputError, unknown
from harness.kinds import Kind, Reading, Words, values
from harness.types import Example

TOKENIZERS = ("13a", "intl", "char", "zh", "none")  # those that need neither a package more nor a download
_SPACE = ("Cc", "Cf", "Zl", "Zp", "Zs")  # categories of characters that show nothing
_BREAKS = re.compile(r"[ \t]*[\r\n\v\f\x85\u2028\u2029]+\s*")


class Text(Kind):
    """Text that may be right in many ways, held against one reference or several.

    ``tokenize`` is the tokenizer of sacreBLEU that words are counted by: 13a, intl, char, zh (Chinese by characters),
    none, or one that needs a package or a model of its own, such as ja-mecab. ``context`` names the input that
    ``copy``, ``lead`` and ``extract`` take text from (else the last one). With ``multiline`` an answer may have several
    lines; else a line end in a reference is shown as a space. With ``verbatim`` references and answers stay to the byte
    as they are; else they are in composed characters, without white space around them.

    A target is canonically the JSON list of its references, an answer the text itself. An item's own score is the chrF
    of its text (Popovic, 2015; by sacreBLEU), from 0 to 1."""

    name: ClassVar[str] = "text"
    baselines: ClassVar[Sequence[str]] = (
        *("copy", "lead", "nearest", "extract"),
        *("finetune", "lora", "prefix-tuning", "prompt-tuning"),
    )
    measures: ClassVar[Sequence[str]] = (
        *("bleu", "chrf", "ter", "rouge1", "rouge2", "rougeL", "length-ratio"),
        *("item-score", "lenient-accuracy", "parse-failure-rate"),
    )
    graded: ClassVar[bool] = True
    score: ClassVar[str] = "item score"
    retold: ClassVar[bool] = True

    tokenize: str = "13a"
    context: str | None = None
    multiline: bool = False
    verbatim: bool = False

    @field_validator("tokenize")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in TOKENIZERS:
            from sacrebleu.metrics import BLEU

            if value not in BLEU.TOKENIZERS:
                raise ValueError(str(unknown("tokenizer", value, BLEU.TOKENIZERS)))
        return value

    def check_inputs(self, inputs: Sequence[str]) -> None:
        values.context(self.context or inputs[-1], inputs)

    @property
    def metrics(self) -> Sequence[str]:
        return ["chrf", "bleu", "length-ratio"]

    @property
    def main_metric(self) -> str:
        return "chrf"

    def passage(self, example: Example) -> str:
        return example.inputs[self.context or list(example.inputs)[-1]]

    def target(self, row: Mapping[str, Any], column: str, inputs: Mapping[str, str], where: str) -> str:
        given = row[column]
        if isinstance(given, str) and given.lstrip().startswith("["):
            try:
                found = json.loads(given)
            except (ValueError, RecursionError):
                found = given
            given = found if isinstance(found, list) and all(isinstance(each, str) for each in found) else given
        if hasattr(given, "tolist"):
            given = given.tolist()
        listed = given if isinstance(given, list | tuple) else [given]
        if not listed or any(values.missing(each) for each in listed):
            raise InputError(f"{where}: no reference: field {column!r} is empty. Give a text, or a list of texts.")
        texts = [self._kept(values.text(each, where, column)) for each in listed]
        if not all(map(_shows, texts)):
            raise InputError(f"{where}: a reference in field {column!r} is empty. Take it out, or take the row out.")
        return json.dumps(list(dict.fromkeys(texts)), ensure_ascii=False)

    def shown(self, example: Example, words: Words) -> str:
        text = references(example.target)[0]
        return text if self.multiline else _BREAKS.sub(" ", text)

    def read(self, text: str, example: Example, words: Words) -> Reading:
        """The text as it is written, without the white space around it."""
        said = self._kept(text)
        return Reading(said if _shows(said) else None)

    def _kept(self, text: str) -> str:
        return text if self.verbatim else _plain(text)

    def lines(self, words: Words) -> bool:
        return not self.multiline

    def right(self, example: Example, output: str | None) -> float:
        return 0.0 if output is None else _chrf(output, example.target)


def references(target: str) -> list[str]:
    """The references of a canonical target."""
    found: list[str] = json.loads(target)
    return found


@lru_cache(maxsize=100_000)
def _chrf(output: str, target: str) -> float:
    from sacrebleu.metrics import CHRF

    return min(1.0, float(CHRF().sentence_score(output, references(target)).score) / 100)


def _plain(text: str) -> str:
    """In composed characters (NFC), line ends as one, no white space around it."""
    return unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n")).strip()


def _shows(text: str) -> bool:
    """Whether there is anything to see: white space and zero-width characters are nothing."""
    return any(unicodedata.category(character) not in _SPACE for character in text)
