"""The examples whose words weigh most against the item's (Okapi BM25, by bm25s)."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np

from harness.prompt.selectors import LARGE
from harness.prompt.selectors.top import descending
from harness.results.vault import Vault, pool_hash
from harness.tokens import fold
from harness.types import Example, Signature

# Words of letters and digits; each Chinese, Japanese or Korean character is a word of its own.
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|[^\W\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+")
SPARE = 16  # ranked beyond the shots: some will be barred


def words(text: str) -> list[str]:
    """The folded words of ``text``."""
    return _WORD.findall(fold(text))


class Bm25:
    """Those whose words weigh most against the item's. Robertson's BM25 with k1 1.5 and b 0.75; ties by id. ``vault``
    keeps the indexes of large pools."""

    name = "bm25"
    per_item = True

    def __init__(self, vault: Vault | None = None) -> None:
        self.vault = vault

    def fit(self, pool: Sequence[Example]) -> Self:
        import bm25s

        self._size = len(pool)
        if self.vault is None or self._size < LARGE:
            self._index = _index(pool)
            return self
        made_of = Signature.of(index="bm25", pool=pool_hash(pool), bm25s=bm25s.__version__)
        self._index = self.vault.once(made_of, lambda: _index(pool), _save, _load)
        return self

    def ranks(
        self, examples: Sequence[Example], barred: Sequence[Container[int]], shots: int
    ) -> Iterator[Iterator[int]]:
        for example, each in zip(examples, barred, strict=True):
            yield self._rank(example, each, shots)

    def _rank(self, example: Example, barred: Container[int], shots: int) -> Iterator[int]:
        known = self._index.get_tokens_ids(words(example.text))
        if not known:
            return (i for i in range(self._size) if i not in barred)
        scores = self._index.get_scores_from_ids(known)
        return (i for i in descending(scores, shots + SPARE) if i not in barred)

    def __repr__(self) -> str:
        return "Bm25()"


def _index(pool: Sequence[Example]) -> Any:
    import bm25s

    vocabulary: dict[str, int] = {}
    rows = [[vocabulary.setdefault(w, len(vocabulary)) for w in words(e.text) or [""]] for e in pool]
    index = bm25s.BM25()
    index.index((rows, vocabulary), create_empty_token=False, show_progress=False)
    return index


def _save(index: Any, folder: Path) -> None:
    index.save(folder, show_progress=False)


def _load(folder: Path) -> Any:
    import bm25s

    index = bm25s.BM25.load(folder, mmap=True, show_progress=False)
    for name in ("data", "indices", "indptr"):  # plain views of the mapped files: numpy adds to them faster
        index.scores[name] = np.asarray(index.scores[name])
    return index
