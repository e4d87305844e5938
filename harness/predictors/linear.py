"""Linear classifiers over TF-IDF of words and character n-grams (scikit-learn)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Self

import numpy as np

from harness.types import Example, Prediction, Signature


class TfidfLogreg:
    """Logistic regression over TF-IDF of words and characters.

    Word 1-2-grams and character 2-5-grams (inside word boundaries), sublinear TF-IDF, multinomial logistic
    regression with inverse regularisation strength ``C``."""

    name = "tfidf-logreg"
    history = ()
    drawn = False  # the solver is deterministic

    def __init__(self, labels: tuple[str, ...], C: float = 10.0, seed: int = 0) -> None:
        self.labels, self.C, self.seed = labels, C, seed

    @property
    def settings(self) -> Mapping[str, Any]:
        return {}

    @property
    def signature(self) -> Signature:
        import sklearn

        return Signature.of(predictor=self.name, features="word1-2+char_wb2-5", C=self.C, sklearn=sklearn.__version__)

    def fit(self, train: Sequence[Example], dev: Sequence[Example] = ()) -> Self:
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline, make_union

        features = make_union(
            TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2), token_pattern=r"(?u)\b\w+\b"),
            TfidfVectorizer(sublinear_tf=True, analyzer="char_wb", ngram_range=(2, 5)),
        )
        # Sorted, so that the fit does not depend on the order in which the training data is read.
        rows = sorted(train, key=lambda example: example.id)
        self._model: Any = make_pipeline(features, LogisticRegression(C=self.C, max_iter=1000, random_state=self.seed))
        self._model.fit([example.text for example in rows], [example.target for example in rows])
        return self

    def predict(self, examples: Sequence[Example]) -> Iterator[Prediction]:
        if not examples:
            return
        known = {label: column for column, label in enumerate(self._model.classes_)}
        logprobs = self._model.predict_log_proba([example.text for example in examples])
        for example, row in zip(examples, np.maximum(logprobs, -700), strict=True):
            # A label that the training data never shows cannot be predicted.
            scores = tuple(float(row[known[label]]) if label in known else -700.0 for label in self.labels)
            yield Prediction(example.id, self.labels[int(np.argmax(scores))], label_logprobs=scores)

    def __repr__(self) -> str:
        return f"TfidfLogreg(labels={self.labels!r}, C={self.C!r}, seed={self.seed!r})"
