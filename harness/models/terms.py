"""TF-IDF that holds for texts without any term."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def vectorizer(texts: Sequence[str], **kind: Any) -> Any:
    """A ``TfidfVectorizer`` of ``kind``, sublinear, that can be fitted on ``texts``.

    Where no text has a term (words among emoji, anything in empty texts) scikit-learn would refuse. There the one
    feature is the empty term, which no text holds: 0 for each.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer

    made = TfidfVectorizer(sublinear_tf=True, **kind)
    if any(map(made.build_analyzer(), texts)):
        return made
    return TfidfVectorizer(sublinear_tf=True, vocabulary={"": 0}, **kind)
