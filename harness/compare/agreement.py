"""How far readers of the same items agree: answers made elsewhere with the labels, and with one another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from harness.compare import estimate
from harness.compare.differences import Row, family
from harness.results import store
from harness.results.store import Run
from harness.stats.intervals import Estimate

LABELS = "the labels"


@dataclass(frozen=True, slots=True)
class Agreement:
    """Cohen's kappa and Krippendorff's alpha of two readers, over the items that both have an answer to."""

    one: str
    other: str
    kappa: Estimate
    alpha: Estimate


def agreements(rows: Sequence[Row]) -> list[Agreement]:
    """Of each of the ``rows`` whose answers were made elsewhere with the labels, and of each two of them; none where an
    answer is not one of a set of labels."""
    given = [row for row in rows if row.recorded and not row.run.spec["calibration"]]
    if not given or not rows[0].run.kind.outputs:
        return []
    found = [_between(_name(row), LABELS, row.run) for row in given]
    for row, other in combinations(given, 2):
        found.append(_between(_name(row), _name(other), _against(row.run, other.run)))
    return found


def _against(run: Run, other: Run) -> Run:
    """``run`` judged by the answers of ``other``, where it has some."""
    pairs = zip(run.examples, run.predictions, other.predictions, strict=True)
    kept = [(replace(e, target=q.output), p) for e, p, q in pairs if q.output is not None]
    return replace(run, examples=tuple(e for e, _ in kept), predictions=tuple(p for _, p in kept))


def _between(one: str, other: str, run: Run) -> Agreement:
    kappa, alpha = (_estimate(run, name) for name in ("cohen-kappa", "krippendorff-alpha"))
    return Agreement(one, other, kappa, alpha)


def _estimate(run: Run, name: str) -> Estimate:
    made = family(name, run.kind)
    table = made.statistics(run.examples, run.predictions)
    (found,) = estimate.estimates(made, [table], store.clusters(run.examples))
    return found


def _name(row: Row) -> str:
    return str(row.run.spec["answers"])
