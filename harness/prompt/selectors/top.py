"""The largest of many scores, without sorting them all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

LANE = 64  # scores of which only the largest is looked at, at first

Positions = npt.NDArray[np.int64]


def top(scores: Any, k: int) -> Positions:
    """Positions of the ``k`` largest ``scores`` (all, where there are fewer), the largest first; ties by position."""
    k = min(k, len(scores))
    reaching = np.flatnonzero(scores >= least(scores[:, None], k)[0])
    kth = np.partition(scores[reaching], len(reaching) - k)[len(reaching) - k]
    above = reaching[scores[reaching] > kth]
    level = reaching[scores[reaching] == kth][: k - len(above)]
    chosen: Positions = np.concatenate([above, level])
    found: Positions = chosen[np.lexsort((chosen, -scores[chosen]))]
    return found


def least(scores: Any, k: int) -> Any:
    """(q,) bounds that the ``k`` largest of each column of (n, q) ``scores`` reach: the k-th largest of some of them,
    the largest of each lane. -inf where n is less than k."""
    n, q = scores.shape
    if n < k:
        return np.full(q, -np.inf, dtype=scores.dtype)
    lanes = n // max(1, min(LANE, n // (2 * k)))
    # A lane is every so many-th score: taken so, the rows that are compared lie side by side in memory.
    largest = scores[: n // lanes * lanes].reshape(-1, lanes, q).max(0)
    return np.partition(largest, lanes - k, axis=0)[lanes - k]


def descending(scores: Any, first: int) -> Iterator[int]:
    """Positions by falling score, ties by position: ``first`` at once, and ever more where those are used up."""
    done, k = 0, first
    while done < len(scores):
        found = top(scores, k)
        yield from found[done:].tolist()
        done, k = len(found), 8 * k
