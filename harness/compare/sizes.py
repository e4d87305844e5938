"""``harness plan``: how many items a question takes, from the discordance seen so far or assumed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import median

from harness.compare import differences, groups
from harness.errors import InputError
from harness.results import store
from harness.results.store import Run
from harness.stats import power

ASSUMED = 0.2  # share of items on which two predictors differ, where nothing was seen


@dataclass(frozen=True, slots=True)
class Plan:
    """How many items the gate on accuracy needs. ``discordance`` is the share of items right for one side only, and
    ``source`` where it comes from; ``chance`` is the gate's power with the ``n`` items at hand."""

    margin: float
    power: float
    difference: float
    discordance: float
    source: str
    needed: int | None
    n: int
    chance: float
    detectable: float


def plan(
    runs: Sequence[Run], n: int, margin: float, wanted: float, difference: float, discordance: float | None
) -> Plan:
    """The plan for a task with ``n`` items. Without a ``discordance``, it is what two prompts of ``runs`` on the
    same items usually show, else assumed. Raises InputError for values that cannot be."""
    if not 0 < margin < 1:
        raise InputError(f"--margin {margin:g}: must lie between 0 and 1, such as 0.02.")
    if not 0 < wanted < 1:
        raise InputError(f"--power {wanted:g}: must lie between 0 and 1, such as 0.8.")
    if discordance is not None and not 0 < discordance <= 1:
        raise InputError(f"--discordance {discordance:g}: must lie above 0 and at most at 1, such as 0.2.")
    source = "given"
    if discordance is None:
        discordance, source = seen(runs)
    if abs(difference) > discordance:
        raise InputError(
            f"--difference {difference:g}: two predictors that differ on a share {discordance:.3f} of the items cannot "
            "differ by more in accuracy. Give a smaller difference or a larger --discordance."
        )
    needed = power.items_needed(margin, discordance, difference, wanted)
    chance = power.pass_probability(n, margin, discordance, difference)
    detectable = power.minimum_detectable(n, discordance, power=wanted)
    return Plan(margin, wanted, difference, discordance, source, needed, n, chance, detectable)


def seen(runs: Sequence[Run]) -> tuple[float, str]:
    """The median discordance of two prompts over the same items, and in words where it comes from."""
    shares = [
        differences.discordance(store.aligned(one, two), two).share
        for group in groups.comparable([run for run in runs if run.spec["predictor"] == "prompt"])
        for one, two in combinations(group, 2)
    ]
    if not any(shares):
        return ASSUMED, "assumed: no two prompts that differ have been run on the same items"
    pairs = f"{len(shares)} pairs" if len(shares) > 1 else "one pair"
    return median(filter(None, shares)), f"the median of {pairs} of prompts run on the same items"
