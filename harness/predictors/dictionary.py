"""The mentions of the training split, looked up."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Self

from harness.kinds import Kind
from harness.predictors.simple import Simple
from harness.types import Example, Signature

_SPACELESS = re.compile(r"[぀-ヿ㐀-䶿一-鿿豈-﫿]")


class Dictionary(Simple):
    """Mentions of the training split wherever they stand in a text, the longest first, each with the type that it has
    most often. Where a script has spaces, only whole words count. ``ignore_case`` compares in lower case."""

    name = "dictionary"

    def __init__(self, kind: Kind, ignore_case: bool = False, seed: int = 0) -> None:
        super().__init__(kind, seed)
        self.ignore_case = ignore_case

    @property
    def signature(self) -> Signature:
        return Signature.of(predictor=self.name, ignore_case=self.ignore_case)

    def fit(self, train: Sequence[Example], dev: Sequence[Example] = ()) -> Self:
        found: dict[str, Counter[str]] = defaultdict(Counter)
        for example in train:
            text = self.kind.passage(example)
            for start, end, type_ in json.loads(example.target):
                found[self._form(text[start:end])][type_] += 1
        self._types = {mention: max(sorted(types), key=types.__getitem__) for mention, types in found.items()}
        ordered = sorted(self._types, key=lambda mention: (-len(mention), mention))
        flags = re.IGNORECASE if self.ignore_case else 0
        self._pattern = re.compile("|".join(map(_bounded, ordered)), flags) if ordered else None
        return self

    def _form(self, mention: str) -> str:
        return mention.casefold() if self.ignore_case else mention

    def answer(self, example: Example) -> str | None:
        if self._pattern is None:
            return "[]"
        found = []
        for match in self._pattern.finditer(self.kind.passage(example)):
            if type_ := self._types.get(self._form(match[0])):
                found.append([match.start(), match.end(), type_])
        return json.dumps(found, ensure_ascii=False)

    def __repr__(self) -> str:
        return f"Dictionary(kind={self.kind!r}, ignore_case={self.ignore_case!r}, seed={self.seed!r})"


def _bounded(mention: str) -> str:
    """A pattern of the mention as whole words; within a script without spaces, anywhere."""
    left = "" if _SPACELESS.match(mention[0]) or not mention[0].isalnum() else r"(?<!\w)"
    right = "" if _SPACELESS.match(mention[-1]) or not mention[-1].isalnum() else r"(?!\w)"
    return f"{left}{re.escape(mention)}{right}"
