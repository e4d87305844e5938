"""The sentences of a text that say most of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np

from harness.models.terms import vectorizer
from harness.predictors.sentences import sentences
from harness.predictors.simple import Simple
from harness.types import Example, Signature


class Extract(Simple):
    """The sentences nearest to the whole text by TF-IDF, in their order, as many as make up the mean length of the
    training answers."""

    name = "extract"

    @property
    def signature(self) -> Signature:
        import sklearn

        return Signature.of(predictor=self.name, features="word1+char_wb2-4", sklearn=sklearn.__version__)

    def fit(self, train: Sequence[Example], dev: Sequence[Example] = ()) -> Self:
        texts = sorted(self.kind.passage(example) for example in train)
        self._terms = vectorizer(texts, analyzer="char_wb", ngram_range=(2, 4))
        self._terms.fit(texts)
        words = self.kind.words(None, self.name)
        self._length = float(np.mean([len(self.kind.shown(example, words)) for example in train])) if train else 0.0
        return self

    def answer(self, example: Example) -> str | None:
        text = self.kind.passage(example)
        parts = [said for _, said in sentences(text)]
        if not parts:
            return None
        near = (self._terms.transform(parts) @ self._terms.transform([text]).T).toarray()[:, 0]
        chosen: list[int] = []
        length = 0
        for place in np.argsort(-np.round(near, 9), kind="stable"):
            # One at least; another where that comes nearer to the length that answers have.
            if chosen and abs(length + len(parts[place]) - self._length) >= abs(length - self._length):
                break
            chosen.append(int(place))
            length += len(parts[place])
        glue = "" if not text.isascii() and " " not in text else " "
        return glue.join(parts[place] for place in sorted(chosen))
