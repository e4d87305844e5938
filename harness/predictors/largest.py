"""The largest number there is."""

from __future__ import annotations

from harness.kinds.quantities import quantities
from harness.predictors.simple import Simple
from harness.types import Example


class LargestNumber(Simple):
    """The largest number of the text and table, by its value."""

    name = "largest-number"

    def answer(self, example: Example) -> str | None:
        found = quantities(self.kind.passage(example))
        return str(max(found, key=lambda each: each.value)) if found else None
