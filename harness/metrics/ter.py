"""Translation edit rate by sacreBLEU."""

from __future__ import annotations

import math
from typing import Any

from harness.metrics.bleu import Sacre, Tokenized


class Ter(Sacre):
    """Edits to the nearest reference, over the references' mean length (Snover et al., 2006), in percent. Lower is
    better; it may be above 100. Chinese and its like are cut into characters where the task's tokenizer is. Marks are
    set apart from words, unless the task's texts are verbatim."""

    name = "ter"
    losses = True
    ends = (0.0, math.inf)

    def _made(self, kind: Tokenized) -> Any:
        from sacrebleu.metrics import TER

        return TER(asian_support=kind.tokenize in ("zh", "char", "ja-mecab"), normalized=not kind.verbatim)
