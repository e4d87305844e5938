"""ROUGE by Google's rouge-score. An item without an answer counts 0; of several references, the best one counts."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from functools import cached_property
from importlib.metadata import version
from typing import Any

import numpy as np

from harness.metrics import Array, Metric, divide
from harness.metrics.bleu import Tokenized
from harness.types import Example, Prediction

SPACED = ("13a", "intl", "none")  # tokenizers of sacreBLEU for text with spaces, which the package's own is for
# The package's own tokenizer leaves a-z and 0-9 of a text. Here a character of a script without spaces is a word.
_WORD = re.compile(r"[぀-ヿ㐀-䶿一-鿿豈-﫿ｦ-ﾟ]|[^\W_぀-ヿ㐀-䶿一-鿿豈-﫿ｦ-ﾟ]+")


class Characters:
    """A tokenizer for scripts without spaces, in the form in which the package wants one."""

    def tokenize(self, text: str) -> list[str]:
        """Lower-case words, and single characters of Chinese and Japanese."""
        return _WORD.findall(text.casefold())


class Rouge1(Metric):
    """F of unigrams (ROUGE-1; Lin, 2004), the mean over items."""

    name = "rouge1"
    which = "rouge1"

    def __init__(self, kind: Tokenized) -> None:
        self.names = (self.name,)
        self._by_character = kind.tokenize not in SPACED
        how = "characters" if self._by_character else "default"
        self.signature = f"rouge-score:{version('rouge-score')}|{self.which}|stemmer:no|tokenizer:{how}"

    @cached_property
    def _scorer(self) -> Any:
        from rouge_score.rouge_scorer import RougeScorer

        return RougeScorer([self.which], tokenizer=Characters() if self._by_character else None)

    def statistics(self, examples: Sequence[Example], predictions: Sequence[Prediction]) -> Array:
        """(n, 2): the item's F, and 1."""
        found = [
            self._scorer.score_multi(json.loads(e.target), p.output or "")[self.which].fmeasure
            for e, p in zip(examples, predictions, strict=True)
        ]
        return np.stack([np.asarray(found, float), np.ones(len(found))], axis=1)

    def score(self, totals: Array) -> Array:
        return divide(totals[..., :1], totals[..., 1:])


class Rouge2(Rouge1):
    """F of bigrams (ROUGE-2; Lin, 2004), the mean over items."""

    name = "rouge2"
    which = "rouge2"


class RougeL(Rouge1):
    """F of the longest common subsequences of lines (ROUGE-Lsum, which of a single line is ROUGE-L; Lin, 2004), the
    mean over items."""

    name = "rougeL"
    which = "rougeLsum"
