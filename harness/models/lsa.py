"""Latent semantic analysis: texts to vectors without a model."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np

from harness.chance import rng
from harness.models.terms import vectorizer

DIMENSIONS = 128
SAMPLE = 50_000  # texts that the axes are learnt from, at most
KINDS: tuple[dict[str, Any], ...] = (
    {"token_pattern": r"(?u)\b\w+\b"},
    {"analyzer": "char_wb", "ngram_range": (2, 4)},
)


class Lsa:
    """TF-IDF of words and character n-grams reduced by truncated SVD (Deerwester et al., 1990).

    It is fitted on the texts given, or on a fixed sample of them where there are more than ``SAMPLE``. A text's vector
    does not depend on the others it comes with."""

    def fit(self, texts: Sequence[str]) -> Self:
        from scipy.sparse import hstack
        from sklearn.decomposition import TruncatedSVD

        if len(texts) > SAMPLE:
            drawn = rng("lsa", len(texts)).choice(len(texts), SAMPLE, replace=False)
            texts = [texts[i] for i in sorted(drawn)]
        self._features = [vectorizer(texts, **kind) for kind in KINDS]
        table = hstack([each.fit_transform(texts) for each in self._features]).tocsr()
        dimensions = min(DIMENSIONS, *(n - 1 for n in table.shape))
        if dimensions < 2:  # a pool of one text: there is nothing to reduce
            self._axes = np.eye(table.shape[1])
            return self
        with np.errstate(divide="ignore", invalid="ignore"):  # a pool of equal texts has no variance to explain
            svd = TruncatedSVD(dimensions, algorithm="arpack", random_state=0).fit(table)
        self._axes = np.ascontiguousarray(svd.components_.T)
        return self

    def __call__(self, texts: Sequence[str]) -> Any:
        """(n, d) float64 array."""
        from scipy.sparse import hstack

        return hstack([each.transform(texts) for each in self._features]).tocsr() @ self._axes

    def save(self, folder: Path) -> None:
        """Write what ``fit`` learnt to ``folder``."""
        np.save(folder / "axes.npy", self._axes)
        for i, each in enumerate(self._features):
            vocabulary = {term: int(place) for term, place in each.vocabulary_.items()}
            (folder / f"terms-{i}.json").write_text(json.dumps(vocabulary), encoding="utf-8")
            np.save(folder / f"weights-{i}.npy", each.idf_)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """What ``save`` wrote."""
        from sklearn.feature_extraction.text import TfidfVectorizer

        made = cls()
        made._axes = np.load(folder / "axes.npy")
        made._features = []
        for i, kind in enumerate(KINDS):
            vocabulary = json.loads((folder / f"terms-{i}.json").read_text(encoding="utf-8"))
            made._features.append(TfidfVectorizer(sublinear_tf=True, vocabulary=vocabulary, **kind))
            made._features[i].idf_ = np.load(folder / f"weights-{i}.npy")
        return made
