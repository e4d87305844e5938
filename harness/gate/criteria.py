"""What a change may cost besides answers: money, and time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from harness.chance import rng
from harness.compare.differences import Price
from harness.errors import InputError
from harness.gate.verdict import ALPHA, Finding, decide
from harness.metrics import Array
from harness.results import store
from harness.results.store import Run
from harness.stats import intervals, quantile
from harness.stats.intervals import Estimate
from harness.types import Spent

COST, LATENCY = "saved a thousand items", "saved at latency p95, s"
TAIL = 0.95


@dataclass(frozen=True, slots=True)
class Criteria:
    """Shares of what the old side takes by which the new one may take more: of the money for its tokens at ``price``
    (``cost``), and of the time that 95 % of its requests are answered in (``latency``). None: not judged. ``losses``
    says how much of its score the new side may lose under each probe that is named. ``again``: what asking it again
    changes is added to the margin."""

    price: Price | None = None
    cost: float | None = None
    latency: float | None = None
    losses: Mapping[str, float] = field(default_factory=dict)
    again: bool = False

    def __post_init__(self) -> None:
        if self.cost is not None and self.price is None:
            raise InputError("--cost-margin judges what tokens cost: give --price.")
        for name, margin in (("cost", self.cost), ("latency", self.latency)):
            if margin is not None and not margin > 0:
                raise InputError(
                    f"--{name}-margin {margin:g}: a share of what the old side takes, above 0, such as 0.1."
                )

    def findings(self, new: Sequence[Run], old: Sequence[Run]) -> list[Finding]:
        """One for each that is judged: what is saved, old minus new, and its one-sided 95 % bounds, over the items that
        both sides tell it of. Raises InputError where they do not tell it."""
        old = [store.aligned(run, new[0]) for run in old]
        found = []
        if self.cost is not None and self.price is not None:
            paid = self.price
            sides = _values(new, old, lambda s: paid.money(s.prompt, s.written) * 1000 if s.prompt else None, "tokens")
            found.append(_finding(COST, _mean(*sides), float(sides[1].mean()), self.cost))
        if self.latency is not None:
            sides = _values(
                new, old, lambda spent: spent.seconds, "seconds of each request, which servers' answers have"
            )
            gap = quantile.difference(*sides[:2], TAIL, rng("latency"), sides[2], 1 - 2 * ALPHA)
            found.append(_finding(LATENCY, gap, float(np.quantile(sides[1], TAIL)), self.latency))
        return found


NOTHING = Criteria()
Sides = tuple[Array, Array, Sequence[object] | None]


def _finding(name: str, gap: Estimate, before: float, share: float) -> Finding:
    """``gap`` is new minus old: less is better."""
    saved, margin = Estimate(0.0 - gap.value, 0.0 - gap.high, 0.0 - gap.low), share * before
    return Finding(name, saved, decide(saved, margin), margin)


def _mean(new: Array, old: Array, clusters: Sequence[object] | None) -> Estimate:
    """The difference of the means, the seeds' values of an item averaged."""
    tables = [np.stack([side.mean(1), np.ones(len(side))], axis=1) for side in (new, old)]
    return intervals.bootstrap(
        tables[:1],
        lambda totals: totals[..., 0] / totals[..., 1],
        rng("cost"),
        against=tables[1:],
        clusters=clusters,
        level=1 - 2 * ALPHA,
    )


def _values(new: Sequence[Run], old: Sequence[Run], value: Callable[[Spent], float | None], what: str) -> Sides:
    """(n, seeds) values of either side, and the clusters of their items: those of which all runs tell it."""
    rows = [[value(p.trace.spent) if p.trace else None for p in run.predictions] for run in (*new, *old)]
    kept = [place for place, each in enumerate(zip(*rows, strict=True)) if None not in each]
    if not kept:
        silent = next(
            run for run, row in zip((*new, *old), rows, strict=True) if not any(each is not None for each in row)
        )
        raise InputError(f"{silent.name} does not tell its {what}. Run it again, or leave this margin out.")
    table = np.array([[row[place] for place in kept] for row in rows], float).T
    clusters = store.clusters(new[0].examples)
    return table[:, : len(new)], table[:, len(new) :], None if clusters is None else [clusters[place] for place in kept]
