"""The examples whose words weigh most against the item's (Okapi BM25, by bm25s)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Self

import numpy as np

from harness.parse import fold
from harness.types import Example

# Words of letters and digits; each Chinese, Japanese or Korean character is a word of its own.
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|[^\W\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+")


def words(text: str) -> list[str]:
    """The folded words of ``text``."""
    return _WORD.findall(fold(text))


class Bm25:
    """Those whose words weigh most against the item's. Robertson's BM25 with k1 1.5 and b 0.75; ties by id."""

    name = "bm25"
    per_item = True

    def __init__(self) -> None:
        pass

    def fit(self, pool: Sequence[Example]) -> Self:
        import bm25s

        corpus = [words(example.text) or [""] for example in pool]
        self._index = bm25s.BM25()
        self._index.index(corpus, show_progress=False)
        self._known = set(self._index.vocab_dict)
        self._size = len(pool)
        return self

    def rank(self, example: Example, barred: frozenset[int]) -> Iterator[int]:
        query = [word for word in words(example.text) if word in self._known]
        scores = self._index.get_scores(query) if query else np.zeros(self._size)
        return (int(i) for i in np.argsort(-scores, kind="stable") if int(i) not in barred)

    def __repr__(self) -> str:
        return "Bm25()"
