"""What is learnt on one task is worth on another: a cell beside the one that was learnt where it is tested."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from harness.compare import estimate
from harness.metrics import Array, Metric
from harness.stats.intervals import Estimate


@dataclass(frozen=True, slots=True)
class Cell:
    """``predictor`` learnt on ``train`` and tested on the ``n`` items of ``test`` whose labels have a counterpart
    there, paired with ``own``, its score when it learns on ``test``; ``left_out`` counts the other items by label. On
    the diagonal there is no difference."""

    predictor: str
    train: str
    test: str
    metric: str
    n: int
    score: float
    own: float
    difference: Estimate | None
    p: float | None
    left_out: Mapping[str, int]


def cell(
    named: tuple[str, str, str],
    metric: Metric,
    name: str,
    tables: tuple[Sequence[Array], Sequence[Array]],
    clusters: Sequence[object] | None,
    left_out: Mapping[str, int],
) -> Cell:
    """Of ``named`` predictor, train and test; ``tables`` are the (n, d) statistics of the same items, a table a seed,
    learnt elsewhere and learnt there."""
    there, own = tables
    place = metric.names.index(name)
    score, home = (float(np.mean([metric.score(t.sum(0))[place] for t in side])) for side in tables)
    diagonal = named[1] == named[2]
    gap = None if diagonal else estimate.difference(metric, name, there, own, clusters)
    p = None if diagonal else estimate.p_value(metric, name, there, own, clusters)
    return Cell(*named, name, len(there[0]), score, home, gap, p, dict(left_out))
