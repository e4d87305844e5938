"""What a template may lose where its items change and their right answers do not."""

from __future__ import annotations

from collections.abc import Mapping

from harness import probe
from harness.compare import differences
from harness.errors import InputError, unknown
from harness.gate.verdict import ALPHA, Finding, decide
from harness.probe.asked import Asked
from harness.probe.changed import Changed
from harness.probe.repeat import Repeat
from harness.stats.intervals import Estimate


def known(losses: Mapping[str, float]) -> dict[str, Changed]:
    """The probes of ``losses``. Raises InputError for one that changes no items, and for a loss that cannot be."""
    found: dict[str, Changed] = {}
    for name, most in losses.items():
        if not 0 < most < 1:
            raise InputError(f"--probe {name}:{most:g}: the loss that is allowed lies between 0 and 1, such as 0.03.")
        made = probe.create(name)
        if not isinstance(made, Changed):
            fit = [each for each in probe.PROBES if isinstance(probe.create(each), Changed)]
            raise unknown("probe that changes items", name, fit, "--probe")
        found[name] = made
    return found


def again(asked: Asked) -> float:
    """How far the metric moves where the same is asked again, past what is kept: the largest of what the probe repeat
    sees, as a share of 1."""
    changes = [line.value.value for line in Repeat().look(asked).lines if line.signed]
    return max(map(abs, changes)) / (100 if differences.family(asked.measured, asked.task.kind).percent else 1)


def findings(losses: Mapping[str, float], asked: Asked) -> list[Finding]:
    """One for each probe: the score of the one template in ``asked`` on changed items minus that on the same items as
    they were, with its one-sided 95 % bounds, against the loss that is allowed."""
    metric = differences.family(asked.measured, asked.task.kind)
    found = []
    for name, made in known(losses).items():
        (pair,) = made.pairs(asked, asked.items).groups
        gap = differences.difference(pair.after, pair.before, asked.measured, 1 - 2 * ALPHA)
        if metric.losses:
            gap = Estimate(0.0 - gap.value, 0.0 - gap.high, 0.0 - gap.low)
        most = losses[name] * (100 if metric.percent else 1)
        found.append(Finding(f"under {name}", gap, decide(gap, most), most))
    return found
