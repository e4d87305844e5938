"""The answer of the training item that reads most alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from harness.models.terms import vectorizer
from harness.predictors.simple import Simple
from harness.types import Example, Signature


class Nearest(Simple):
    """The answer of the nearest training item, by TF-IDF of words and of characters."""

    name = "nearest"

    @property
    def signature(self) -> Signature:
        import sklearn

        return Signature.of(predictor=self.name, features="char_wb2-4", sklearn=sklearn.__version__)

    def fit(self, train: Sequence[Example], dev: Sequence[Example] = ()) -> Self:
        self._train = sorted(train, key=lambda example: example.id)
        texts = [example.text for example in self._train]
        self._terms: Any = vectorizer(texts, analyzer="char_wb", ngram_range=(2, 4))
        self._matrix = self._terms.fit_transform(texts)
        return self

    def answer(self, example: Example) -> str | None:
        near = np.round((self._matrix @ self._terms.transform([example.text]).T).toarray()[:, 0], 9)
        found = self._train[int(near.argmax())]
        words = self.kind.words(None, self.name)
        read = self.kind.read(self.kind.shown(found, words), example, words)
        return read.mentioned if read.output is None else read.output  # steps that read prompts may find nothing here
