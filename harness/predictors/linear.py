"""Linear classifiers over TF-IDF of words and character n-grams (scikit-learn)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Self

import numpy as np

from harness.choice import chosen
from harness.errors import InputError
from harness.kinds import Kind
from harness.models.terms import vectorizer
from harness.predictors.several import cut, indicators, outputs, several
from harness.types import Example, Prediction, Signature

NEVER = -700.0  # the log-probability of a label that the training data never shows; exp of less is 0
STRENGTHS = (1e-9, 1e9)  # inverse regularisation strengths that mean anything


def spread(classes: Sequence[str], logprobs: Any, labels: tuple[str, ...]) -> list[tuple[float, ...]]:
    """(n, classes) log-probabilities to rows over all of a task's labels, in their order."""
    known = {label: column for column, label in enumerate(classes)}
    rows = np.maximum(np.asarray(logprobs, float), NEVER)
    return [tuple(float(row[known[label]]) if label in known else NEVER for label in labels) for row in rows]


def within(baseline: str, low: float, high: float, **params: float) -> None:
    """Raises InputError for the first of ``params`` that is not from ``low`` to ``high``."""
    for key, value in params.items():
        if not low <= value <= high:
            bounds = f"at least {low:g}" if high == math.inf else f"from {low:g} to {high:g}"
            raise InputError(f"baseline {baseline!r}: {key} must be {bounds}, not {value!r}.")


class Tfidf:
    """What both share: word 1-2-grams and character 2-5-grams (inside word boundaries), sublinear TF-IDF. Where an item
    may have several labels, each is one against the rest, said above a cut that is learnt."""

    name: str
    history = ()
    drawn = False  # the solvers are deterministic

    def __init__(self, kind: Kind, C: float, class_weights: bool, seed: int) -> None:
        within(self.name, *STRENGTHS, C=C)
        self.kind, self.C, self.class_weights, self.seed = kind, C, class_weights, seed

    @property
    def settings(self) -> Mapping[str, Any]:
        return {}

    @property
    def signature(self) -> Signature:
        import sklearn

        weights = "balanced" if self.class_weights else None
        features = "word1-2+char_wb2-5"
        return Signature.of(
            predictor=self.name, features=features, C=self.C, class_weights=weights, sklearn=sklearn.__version__
        )

    def _classifier(self, weights: str | None) -> Any:
        raise NotImplementedError

    def fit(self, train: Sequence[Example], dev: Sequence[Example] = ()) -> Self:
        from sklearn.pipeline import make_pipeline, make_union

        # Sorted, so that the fit does not depend on the order in which the training data is read.
        rows = sorted(train, key=lambda example: example.id)
        texts = [example.text for example in rows]
        targets: Any = indicators(self.kind, rows) if several(self.kind) else [example.target for example in rows]
        features = make_union(
            vectorizer(texts, ngram_range=(1, 2), token_pattern=r"(?u)\b\w+\b"),
            vectorizer(texts, analyzer="char_wb", ngram_range=(2, 5)),
        )
        classifier = self._classifier("balanced" if self.class_weights else None)
        if several(self.kind):
            classifier = _each(classifier)
        elif len(set(targets)) == 1:
            classifier = _only()
        self._model: Any = make_pipeline(features, classifier)
        if several(self.kind):
            self._cut = cut(self._model, texts, targets)
        self._model.fit(texts, targets)
        return self

    def predict(self, examples: Sequence[Example]) -> Iterator[Prediction]:
        if not examples:
            return
        if not several(self.kind):
            yield from self._one(examples)
            return
        said = outputs(self.kind, self._model.decision_function([e.text for e in examples]) > self._cut)
        for example, output in zip(examples, said, strict=True):
            yield Prediction(example.id, output)

    def _one(self, examples: Sequence[Example]) -> Iterator[Prediction]:
        """The one label of each example."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(kind={self.kind!r}, C={self.C!r}, class_weights={self.class_weights!r}, "
            f"seed={self.seed!r})"
        )


def _each(classifier: Any) -> Any:
    """``classifier`` of each label against the rest; of one that all items have, or none, that."""
    from sklearn.multiclass import OneVsRestClassifier

    return OneVsRestClassifier(classifier)


def _only() -> Any:
    """For training data of one label: that label, always."""
    from sklearn.dummy import DummyClassifier

    return DummyClassifier(strategy="prior")


class TfidfLogreg(Tfidf):
    """Logistic regression over TF-IDF of words and characters.

    Multinomial, with inverse regularisation strength ``C``."""

    name = "tfidf-logreg"

    def __init__(self, kind: Kind, C: float = 10.0, class_weights: bool = False, seed: int = 0) -> None:
        super().__init__(kind, C, class_weights, seed)

    def _classifier(self, weights: str | None) -> Any:
        from sklearn.linear_model import LogisticRegression

        return LogisticRegression(C=self.C, class_weight=weights, max_iter=1000, random_state=self.seed)

    def _one(self, examples: Sequence[Example]) -> Iterator[Prediction]:
        with np.errstate(divide="ignore"):  # the log of 0, which `spread` bounds
            logprobs = self._model.predict_log_proba([example.text for example in examples])
        for example, scores in zip(examples, spread(self._model.classes_, logprobs, self.kind.outputs), strict=True):
            yield chosen(example.id, self.kind.outputs, scores)


class TfidfSvm(Tfidf):
    """A linear support vector machine over TF-IDF of words and characters.

    One against the rest, squared hinge loss. Its margins are no probabilities, so it states none."""

    name = "tfidf-svm"

    def __init__(self, kind: Kind, C: float = 1.0, class_weights: bool = False, seed: int = 0) -> None:
        super().__init__(kind, C, class_weights, seed)

    def _classifier(self, weights: str | None) -> Any:
        from sklearn.svm import LinearSVC

        # The order in which it visits the data is fixed: by the seed, it would move margins in their last digits.
        return LinearSVC(C=self.C, class_weight=weights, random_state=0, max_iter=5000)

    def _one(self, examples: Sequence[Example]) -> Iterator[Prediction]:
        said = self._model.predict([example.text for example in examples])
        for example, label in zip(examples, said, strict=True):
            yield Prediction(example.id, str(label))
