"""Batch calibration: what the prompt answers to inputs of the task, on average."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.calibration import Array
from harness.calibration.offset import Offset
from harness.calibration.rows import NEVER
from harness.types import Example


class Batch(Offset):
    """Divides by the labels' mean probability over unlabelled inputs (Zhou et al., 2023, with strength 1)."""

    name = "batch"
    sampled = True

    def asks(
        self, pool: Sequence[Example], sample: Sequence[Example], inputs: Sequence[str], seed: int
    ) -> Sequence[Example]:
        """The sample; its targets are not read."""
        return sample


class BatchLog(Batch):
    """Takes off the labels' mean log-probability over unlabelled inputs: the geometric mean of their probabilities,
    which few confident answers move less. An input that thinks a label impossible does not count for that label."""

    name = "batch:log"

    def estimate(self, rows: Array) -> Array:
        possible = rows > NEVER
        mean: Array = np.where(possible, rows, 0.0).sum(axis=0) / np.maximum(possible.sum(axis=0), 1)
        return mean
