"""p values of many comparisons, adjusted for their number."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.errors import unknown

CORRECTIONS = {
    "holm": "Holm",
    "bh": "Benjamini-Hochberg",
    "none": "none",
}


def adjust(ps: Sequence[float], method: str = "holm") -> list[float]:
    """Adjusted p values in the order given. ``holm`` bounds the chance of any false finding (Holm, 1979), ``bh`` the
    expected share of false ones among the findings (Benjamini and Hochberg, 1995). NaNs stay NaN and do not count.

    >>> adjust([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    if method not in CORRECTIONS:
        raise unknown("correction", method, CORRECTIONS)
    raw = np.asarray(ps, float)
    out = raw.copy()
    known = np.flatnonzero(~np.isnan(raw))
    order = known[np.argsort(raw[known], kind="stable")]
    m = len(order)
    if method == "holm":
        out[order] = np.minimum(np.maximum.accumulate(raw[order] * np.arange(m, 0, -1)), 1)
    elif method == "bh":
        steps = raw[order] * m / np.arange(1, m + 1)
        out[order] = np.minimum(np.minimum.accumulate(steps[::-1])[::-1], 1)
    return [float(p) for p in out]
