"""A label's bias, estimated from rows stated for other inputs and taken off an item's row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np

from harness.calibration import Array
from harness.calibration.rows import NEVER, normalised, observed


class Offset:
    """What the methods without labels share: log p(label | item) - ``offset`` of the label, normalised again.

    A label that none of the fitted rows thinks possible is left as it is, and so is what an item's row thinks
    impossible: a division by zero tells nothing."""

    name: str
    sampled = False
    labelled = False
    demonstrated = True

    def fit(self, rows: Array, targets: Sequence[int] = ()) -> Self:
        # Sorted, so that the order in which rows were answered cannot show in the last digit.
        seen = np.sort(observed(self.name, rows), axis=0)
        self.offset = np.where((seen > NEVER).any(axis=0), self.estimate(seen), 0.0)
        return self

    def estimate(self, rows: Array) -> Array:
        """(L,) log of the mean probability of each label in the normalised ``rows``."""
        mean: Array = np.log(np.exp(rows).mean(axis=0))
        return mean

    def __call__(self, rows: Array) -> Array:
        stated = normalised(np.asarray(rows, np.float64))
        return normalised(np.where(stated <= NEVER, -np.inf, stated - self.offset))
