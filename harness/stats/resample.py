"""Bootstrap totals without touching items: identical rows are grouped, so a draw is one multinomial."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
CHUNK = 20_000_000  # cells of a multinomial draw held at once


def draws(tables: Sequence[Array], rng: np.random.Generator, resamples: int) -> Iterator[tuple[Array, ...]]:
    """Chunks of resampled totals, (chunk, d) for each table. The tables, (n, d_i) each, describe the same items: a draw
    takes the same items from all of them (a paired bootstrap)."""
    n = len(tables[0])
    distinct, counts = np.unique(np.concatenate(tables, axis=1), axis=0, return_counts=True)
    edges = np.cumsum([table.shape[1] for table in tables])[:-1]
    size = max(1, CHUNK // len(counts))
    for start in range(0, resamples, size):
        weights = rng.multinomial(n, counts / n, size=min(size, resamples - start))
        yield tuple(np.split(weights @ distinct, edges, axis=1))
