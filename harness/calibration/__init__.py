"""Calibration: from the labels' stored log-probabilities to better ones. One line each; imported on use.

A prompted model states for each item a row: the natural log-probability of every label's answer word. A calibration
looks at the rows stated for other inputs and mends an item's row, so that no item is asked twice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, Self

import numpy as np
import numpy.typing as npt

from harness.plugins import Table
from harness.types import Example

Array = npt.NDArray[np.float64]

CALIBRATIONS = Table(
    "calibration",
    "harness.calibration",
    "harness.calibrations",
    {
        "contextual": "contextual:Contextual",
        "domain": "domain:Domain",
        "batch": "batch:Batch",
        "batch:log": "batch:BatchLog",
        "pmi": "pmi:Pmi",
        "supervised": "supervised:Supervised",
    },
)


class Calibration(Protocol):
    """``asks`` names the inputs whose rows it must see, ``fit`` takes those rows, a call mends the rows of other items.

    ``sampled`` says that it asks real inputs, those of the ``sample`` it is given; else it makes inputs up.
    ``labelled`` says that ``fit`` reads their ``targets`` (places in the label order). ``demonstrated`` says that its
    inputs are asked behind the demonstrations that the items have; else without any."""

    name: str
    sampled: bool
    labelled: bool
    demonstrated: bool

    def asks(
        self, pool: Sequence[Example], sample: Sequence[Example], inputs: Sequence[str], seed: int
    ) -> Sequence[Example]:
        """The examples to ask: ``pool`` is the demonstrations', ``sample`` what to estimate on, ``inputs`` the names of
        the task's input fields."""
        ...

    def fit(self, rows: Array, targets: Sequence[int] = ()) -> Self:
        """``rows`` (m, L): log-probabilities of L labels, normalised or not, for the examples asked, in any order that
        ``targets`` has too. Raises InputError where there are none, or some are not numbers."""
        ...

    def __call__(self, rows: Array) -> Array:
        """(n, L) rows to (n, L) rows, normalised over the labels; a row that holds NaN becomes NaN."""
        ...


def create(name: str) -> Calibration:
    """The calibration ``name``; unknown names raise InputError."""
    made: Calibration = CALIBRATIONS.find(name)()
    return made
