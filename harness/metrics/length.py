"""How long what is written is."""

from __future__ import annotations

import math
from collections.abc import Sequence

from harness.metrics import Array, divide
from harness.metrics.bleu import Bleu
from harness.types import Example, Prediction


class LengthRatio(Bleu):
    """Tokens written over tokens of the reference of nearest length, both over all items: what sacreBLEU's brevity
    penalty looks at. Above 1 an answer says more than its reference; neither is better."""

    name = "length-ratio"
    percent = False
    ends = (0.0, math.inf)

    def statistics(self, examples: Sequence[Example], predictions: Sequence[Prediction]) -> Array:
        """(n, 2): tokens written, tokens of the reference."""
        return super().statistics(examples, predictions)[:, :2]

    def score(self, totals: Array) -> Array:
        return divide(totals[..., :1], totals[..., 1:])
