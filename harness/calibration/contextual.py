"""Contextual calibration: what the prompt answers to inputs without content."""

from __future__ import annotations

from collections.abc import Sequence

from harness.calibration.invented import invented
from harness.calibration.offset import Offset
from harness.types import Example

CONTENT_FREE = ("N/A", "", "[MASK]")


class Contextual(Offset):
    """Divides by the labels' mean probability after "N/A", an empty input and "[MASK]" (Zhao et al., 2021: W =
    diag(p)^-1, b = 0). As in the paper, each input's probabilities sum to one before they are averaged; the authors'
    program averages first, so that an input counts for more where it makes any label likelier."""

    name = "contextual"

    def asks(
        self, pool: Sequence[Example], sample: Sequence[Example], inputs: Sequence[str], seed: int
    ) -> Sequence[Example]:
        """Three: the same text in every input field."""
        return [invented(self.name, i, dict.fromkeys(inputs, text)) for i, text in enumerate(CONTENT_FREE)]
