"""The last number there is."""

from __future__ import annotations

from harness.kinds.quantities import quantities
from harness.predictors.simple import Simple
from harness.types import Example


class LastNumber(Simple):
    """The last number of the text and table."""

    name = "last-number"

    def answer(self, example: Example) -> str | None:
        found = quantities(self.kind.passage(example))
        return str(found[-1]) if found else None
