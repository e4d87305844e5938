"""chrF by sacreBLEU."""

from __future__ import annotations

from typing import Any

from harness.metrics.bleu import Sacre, Tokenized


class Chrf(Sacre):
    """Corpus chrF2, F of character n-grams up to six (Popovic, 2015), from 0 to 100. Of several references an item
    counts the one that it is nearest to."""

    name = "chrf"

    def _made(self, kind: Tokenized) -> Any:
        from sacrebleu.metrics import CHRF

        return CHRF()
