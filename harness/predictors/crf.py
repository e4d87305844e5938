"""A conditional random field over the words of a text (python-crfsuite)."""

from __future__ import annotations

import importlib.util
import json
import math
import os
import re
import tempfile
from collections.abc import Sequence
from typing import Any, Self

from harness.errors import missing_extra
from harness.kinds import Kind
from harness.predictors.linear import within
from harness.predictors.simple import Simple
from harness.predictors.tags_head import joined, tag_of
from harness.types import Example, Signature

# Words, numbers with their points, single characters of scripts without spaces, and single signs.
_TOKEN = re.compile(r"[぀-ヿ㐀-䶿一-鿿豈-﫿]|\d+(?:[.,]\d+)*|[^\W\d_぀-ヿ㐀-䶿一-鿿豈-﫿]+|[^\w\s]|_")
Token = tuple[int, int, str]


class Crf(Simple):
    """A linear-chain conditional random field (Lafferty et al., 2001) with BIO tags, trained by L-BFGS.

    A word is seen by itself, in lower case, by its shape, its beginning and end, and the two words on either side;
    ``c1`` and ``c2`` are the weights of the L1 and L2 penalties."""

    name = "crf"

    def __init__(self, kind: Kind, c1: float = 0.1, c2: float = 0.1, max_iterations: int = 100, seed: int = 0) -> None:
        if importlib.util.find_spec("pycrfsuite") is None:
            raise missing_extra("python-crfsuite", "ner", "The baseline 'crf'")
        within(self.name, 0, math.inf, c1=c1, c2=c2)
        within(self.name, 1, math.inf, max_iterations=max_iterations)
        super().__init__(kind, seed)
        self.c1, self.c2, self.max_iterations = c1, c2, max_iterations

    @property
    def signature(self) -> Signature:
        from importlib.metadata import version

        params = {"c1": self.c1, "c2": self.c2, "max_iterations": self.max_iterations}
        return Signature.of(predictor=self.name, **params, crfsuite=version("python-crfsuite"))

    def fit(self, train: Sequence[Example], dev: Sequence[Example] = ()) -> Self:
        import pycrfsuite

        trainer = pycrfsuite.Trainer(verbose=False)
        trainer.set_params({"c1": self.c1, "c2": self.c2, "max_iterations": self.max_iterations})
        for example in sorted(train, key=lambda example: example.id):
            tokens, spans = tokenized(self.kind.passage(example)), [tuple(s) for s in json.loads(example.target)]
            if tokens:
                trainer.append(_features(tokens), [tag_of(start, end, spans) for start, end, _ in tokens])
        self._tagger: Any = pycrfsuite.Tagger()
        handle, path = tempfile.mkstemp(suffix=".crfsuite")  # the library writes and reads files only
        os.close(handle)
        try:
            trainer.train(path)
            with open(path, "rb") as file:
                self._tagger.open_inmemory(file.read())
        finally:
            os.unlink(path)
        return self

    def answer(self, example: Example) -> str | None:
        tokens = tokenized(self.kind.passage(example))
        tags = self._tagger.tag(_features(tokens)) if tokens else []
        words = [(tag, start, end) for tag, (start, end, _) in zip(tags, tokens, strict=True)]
        return json.dumps(joined(words), ensure_ascii=False)

    def __repr__(self) -> str:
        return (
            f"Crf(kind={self.kind!r}, c1={self.c1!r}, c2={self.c2!r}, max_iterations={self.max_iterations!r}, "
            f"seed={self.seed!r})"
        )


def tokenized(text: str) -> list[Token]:
    """The words of ``text``, each with the place at which it begins and ends."""
    return [(match.start(), match.end(), match[0]) for match in _TOKEN.finditer(text)]


def _features(tokens: Sequence[Token]) -> list[list[str]]:
    words = [word for *_, word in tokens]
    seen = []
    for place, word in enumerate(words):
        found = ["bias", f"word={word}", *_look("", word)]
        found += [f"prefix{n}={word[:n]}" for n in (1, 2, 3)] + [f"suffix{n}={word[-n:]}" for n in (1, 2, 3)]
        for step in (-2, -1, 1, 2):
            if 0 <= place + step < len(words):
                found += _look(f"{step:+}:", words[place + step])
        found += ["begins"] if place == 0 else []
        found += ["ends"] if place == len(words) - 1 else []
        seen.append(found)
    return seen


def _look(where: str, word: str) -> list[str]:
    """A word in lower case, and its shape: runs of capitals, small letters and digits."""
    shape = re.sub(r"X+", "X", re.sub(r"[^\W\d_]", lambda c: "X" if c[0].isupper() else "x", word))
    shape = re.sub(r"x+", "x", re.sub(r"\d+", "d", shape))
    return [f"{where}lower={word.lower()}", f"{where}shape={shape}"]
