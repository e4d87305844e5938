"""Metrics of texts by sacreBLEU, whose own statistics add up over items and whose own formula scores their totals."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import zip_longest
from typing import Any, Protocol

import numpy as np

from harness.errors import InputError
from harness.metrics import Array, Metric
from harness.types import Example, Prediction


class Tokenized(Protocol):
    """A kind of texts: ``tokenize`` is sacreBLEU's tokenizer for them, ``verbatim`` says that they stay as they are."""

    tokenize: str
    verbatim: bool


class Sacre(Metric):
    """What metrics by sacreBLEU share. An item without an answer counts as an empty text."""

    percent = True
    ends = (0.0, 100.0)
    name: str

    def __init__(self, kind: Tokenized) -> None:
        self.names = (self.name,)
        self.library = self._made(kind)
        # The number of references is an item's own, so that the library's line would name that of some.
        self.library.num_refs = "var"
        self.signature = str(self.library.get_signature())

    def _made(self, kind: Tokenized) -> Any:
        """The library's metric."""
        raise NotImplementedError

    def statistics(self, examples: Sequence[Example], predictions: Sequence[Prediction]) -> Array:
        """(n, d): the statistics of the library, whatever they are."""
        said = [prediction.output or "" for prediction in predictions]
        # The library wants as many references of each item, and leaves out those that are None.
        streams = list(zip_longest(*(json.loads(example.target) for example in examples)))
        if not said:
            return np.zeros((0, len(self._extracted(["a"], [["a"]])[0])))
        return np.array(self._extracted(said, streams), float)

    def _extracted(self, said: Sequence[str], streams: Sequence[Sequence[str | None]]) -> Any:
        return self.library._extract_corpus_statistics(said, streams)

    def score(self, totals: Array) -> Array:
        rows = totals.reshape(-1, totals.shape[-1])
        found = [self.library._compute_score_from_stats(list(row)).score for row in rows]
        return np.array(found, float).reshape(*totals.shape[:-1], 1)


class Bleu(Sacre):
    """Corpus BLEU (Papineni et al., 2002) as sacreBLEU has it (Post, 2018), from 0 to 100."""

    name = "bleu"

    def _made(self, kind: Tokenized) -> Any:
        """Raises InputError where the kind's tokenizer wants a package or a model that is not to be had."""
        from sacrebleu.metrics import BLEU

        try:
            return BLEU(tokenize=kind.tokenize)
        except (RuntimeError, ImportError, OSError) as error:
            said = " ".join(str(error).split()).removesuffix(".")
            raise InputError(
                f"tokenizer {kind.tokenize!r} of sacreBLEU: {said}. Or take one that needs nothing: `tokenize: char`, "
                "`intl`."
            ) from None
