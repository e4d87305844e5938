"""Pointwise mutual information: what the prompt answers without any input."""

from __future__ import annotations

from collections.abc import Sequence

from harness.calibration.invented import invented
from harness.calibration.offset import Offset
from harness.types import Example


class Pmi(Offset):
    """log p(label | item) - log p(label | domain premise) (Holtzman et al., 2021). The premise is the template with
    its inputs empty and, as in the authors' few-shot runs, without demonstrations."""

    name = "pmi"
    demonstrated = False

    def asks(
        self, pool: Sequence[Example], sample: Sequence[Example], inputs: Sequence[str], seed: int
    ) -> Sequence[Example]:
        """One, whose input fields are empty."""
        return [invented(self.name, 0, dict.fromkeys(inputs, ""))]
