"""The text itself."""

from __future__ import annotations

from harness.predictors.simple import Simple
from harness.types import Example


class Copy(Simple):
    """The input text as it is: what a translation or a summary has to beat."""

    name = "copy"

    def answer(self, example: Example) -> str | None:
        return self.kind.passage(example).strip() or None
