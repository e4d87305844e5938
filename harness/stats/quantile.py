"""A quantile of what was measured on the same items twice, and how far its change is known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.stats.intervals import LEVEL, Estimate
from harness.stats.resample import Array

RESAMPLES = 1000
CHUNK = 4_000_000  # values held at once


def difference(
    new: Array,
    old: Array,
    share: float,
    rng: np.random.Generator,
    clusters: Sequence[object] | None = None,
    level: float = LEVEL,
) -> Estimate:
    """The quantile ``share`` of ``new``, (n, k) values of n items, minus that of ``old``, with percentile bounds of a
    bootstrap that draws the same items (or clusters) of both (Efron, 1979). NaN bounds with fewer than two."""
    value = float(np.quantile(new, share) - np.quantile(old, share))
    names = list(range(len(new))) if clusters is None else list(clusters)
    groups: dict[object, list[int]] = {}
    for place, name in enumerate(names):
        groups.setdefault(name, []).append(place)
    if len(groups) < 2:
        return Estimate(value, np.nan, np.nan)
    parts = [np.array(places) for places in groups.values()]
    found: list[Array] = []
    if all(len(part) == 1 for part in parts):
        size = max(1, CHUNK // new.size)
        for start in range(0, RESAMPLES, size):
            picked = rng.integers(len(new), size=(min(size, RESAMPLES - start), len(new)))
            gaps = (np.quantile(side[picked], share, axis=(1, 2)) for side in (new, old))
            found.append(np.subtract(*gaps))
    else:
        for _ in range(RESAMPLES):
            picked = np.concatenate([parts[i] for i in rng.integers(len(parts), size=len(parts))])
            found.append(np.array([np.quantile(new[picked], share) - np.quantile(old[picked], share)]))
    low, high = np.quantile(np.concatenate(found), [0.5 - level / 2, 0.5 + level / 2])
    return Estimate(value, min(value, float(low)), max(value, float(high)))
