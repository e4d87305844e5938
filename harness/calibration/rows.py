"""Rows of log-probabilities, normalised over the labels."""

from __future__ import annotations

import numpy as np

from harness.calibration import Array
from harness.errors import InputError

# The log-probability of what is impossible, beside the likeliest label: -inf, or the -700 and -9999 that stand for it.
# Its exponential is still a number above 0.
NEVER = -600.0


def normalised(rows: Array) -> Array:
    """(n, L) log-probabilities that sum to one over the labels, none below ``NEVER``. A row of nothing but -inf says
    nothing, and comes out uniform; one that holds NaN (or +inf, which is no log-probability) becomes NaN."""
    rows = np.where(np.isposinf(rows), np.nan, rows)
    top = rows.max(axis=-1, keepdims=True)
    level = np.maximum(rows - np.where(np.isneginf(top), 0.0, top), NEVER)
    found: Array = np.maximum(level - np.log(np.exp(level).sum(axis=-1, keepdims=True)), NEVER)
    return found


def observed(name: str, rows: Array) -> Array:
    """The rows that the calibration ``name`` is fitted on, normalised."""
    found = normalised(np.asarray(rows, np.float64))
    if not len(found):
        raise InputError(f"calibration {name!r} has nothing to be fitted on: none of the inputs it asks was answered.")
    if (wrong := np.isnan(found).any(axis=1)).any():
        raise InputError(
            f"calibration {name!r}: for {wrong.sum()} of the {len(found)} inputs it is fitted on the model's "
            "log-probabilities are not numbers. Its weights may be damaged: try another copy, or another dtype."
        )
    return found
