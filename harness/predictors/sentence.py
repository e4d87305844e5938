"""The sentence of a passage that is most like the question."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from harness.models.terms import vectorizer
from harness.predictors.sentences import sentences
from harness.predictors.simple import Simple
from harness.types import Example, Signature


class Sentence(Simple):
    """The passage's sentence that is nearest to the question by TF-IDF; none, where it is less near than a threshold
    that is learnt on the training split: the one under which most of its items are rightly said to have an answer or
    none."""

    name = "sentence"

    @property
    def signature(self) -> Signature:
        import sklearn

        return Signature.of(predictor=self.name, features="char_wb2-4", sklearn=sklearn.__version__)

    def fit(self, train: Sequence[Example], dev: Sequence[Example] = ()) -> Self:
        texts = sorted(example.text for example in train)
        self._terms: Any = vectorizer(texts, analyzer="char_wb", ngram_range=(2, 4))
        self._terms.fit(texts)
        near = np.array([self._best(example)[0] for example in train])
        held = np.array([example.target != "[]" for example in train])
        cuts = [-1.0, *np.unique(near).tolist()]
        self._cut = max(cuts, key=lambda cut: (int(((near > cut) == held).sum()), -cut))
        return self

    def _best(self, example: Example) -> tuple[float, int, str]:
        """How near the nearest sentence is, where it begins, and itself."""
        passage = self.kind.passage(example)
        parts = sentences(passage)
        asked = " ".join(text for text in example.inputs.values() if text != passage)
        if not parts:
            return -1.0, 0, ""
        near = (self._terms.transform([said for _, said in parts]) @ self._terms.transform([asked]).T).toarray()[:, 0]
        place = int(np.round(near, 9).argmax())
        return float(np.round(near[place], 9)), *parts[place]

    def answer(self, example: Example) -> str | None:
        near, start, said = self._best(example)
        return json.dumps([[start, said]] if said and near > self._cut else [], ensure_ascii=False)
