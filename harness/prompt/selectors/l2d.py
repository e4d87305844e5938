"""Demonstrations that a small trained model takes for what it takes the item for."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from copy import deepcopy
from hashlib import sha256
from typing import Any, Self

import numpy as np

from harness.errors import InputError
from harness.models.embed import Vectors
from harness.prompt.selectors.exact import Exact
from harness.prompt.selectors.knn import SPARE, allowed
from harness.tokens import fold
from harness.types import Example, Predictor


class L2d:
    """Those of which a small trained model expects the labels that it expects of the item.

    ``learner`` is trained on the pool; nearest are those whose distribution over the labels is nearest to the item's
    (Hellinger's distance). Of an example of the pool the distribution is that of a model that has not seen it: one of
    ``folds``, each trained on the others; equal texts and texts of one document are in one fold."""

    name = "l2d"
    per_item = True

    def __init__(self, learner: Predictor | None = None, folds: int = 5) -> None:
        if folds < 2:
            raise InputError(f"selector 'l2d': folds must be at least 2, not {folds!r}.")
        self.learner, self.folds = learner, folds

    def fit(self, pool: Sequence[Example]) -> Self:
        if self.learner is None:
            raise InputError("the selector 'l2d' trains a model on the pool: give it a learner, such as tfidf-logreg.")
        self._whole = deepcopy(self.learner).fit(pool)
        folds = [self._fold(example) for example in pool]
        rows: dict[int, Any] = {}
        for fold_ in sorted(set(folds)):
            own = [place for place, each in enumerate(folds) if each == fold_]
            others = [example for example, each in zip(pool, folds, strict=True) if each != fold_]
            model = deepcopy(self.learner).fit(others) if others else None
            rows.update({place: self._row(model, pool[place]) for place in own})
        known = next((row for row in rows.values() if row is not None), np.ones(1))
        even = np.full(len(known), len(known) ** -0.5)  # of a pool that one fold is all of nothing is known
        self._matrix = np.array([even if rows[i] is None else rows[i] for i in range(len(pool))], np.float32)
        # An item that is, or says what, one of the pool says: the whole model has seen it.
        self._met = {fold(example.text): place for place, example in enumerate(pool)}
        self._met |= {f"\n{example.id}": place for place, example in enumerate(pool)}
        self._index = Exact(self._matrix)
        return self

    def _fold(self, example: Example) -> int:
        key = fold(example.text) if example.cluster is None else f"\n{example.cluster}"
        return int.from_bytes(sha256(key.encode("utf-8", "surrogatepass")).digest()[:8], "big") % self.folds

    def _row(self, model: Predictor | None, example: Example) -> Any:
        """(labels,) roots of the probabilities: a unit vector, so that the nearest by cosine are so by Hellinger's
        distance. An item is asked by itself, so that no other can move it."""
        if model is None:
            return None
        (said,) = model.predict([example])
        if said.label_logprobs is None:
            raise InputError(
                f"the selector 'l2d' compares probabilities of labels, and {model.name!r} states none here. Use "
                "--learner tfidf-logreg or a fine-tuned encoder, and a task whose items have one label each."
            )
        return np.exp(np.array(said.label_logprobs) / 2)

    def ranks(
        self, examples: Sequence[Example], barred: Sequence[Container[int]], shots: int
    ) -> Iterator[Iterator[int]]:
        for example, each in zip(examples, barred, strict=True):
            query = self._query(example)
            (near,) = self._index.nearest(query[None], shots + SPARE)
            yield allowed(self._index.ranking(query, near), each)

    def _query(self, example: Example) -> Vectors:
        place = self._met.get(f"\n{example.id}", self._met.get(fold(example.text)))
        found: Vectors = self._matrix[place] if place is not None else self._row(self._whole, example)
        return found.astype(np.float32)

    def __repr__(self) -> str:
        return f"L2d(learner={self.learner!r}, folds={self.folds!r})"
