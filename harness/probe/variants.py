"""Scores of many variants of one prompt, as a probe tells of them."""

from __future__ import annotations

import math
from collections.abc import Sequence

from harness.compare import groups
from harness.compare.finding import Line
from harness.compare.spread import Spread
from harness.compare.variance import REST, decompose
from harness.engines.inference import Workload
from harness.predictors.prompted import Prompted
from harness.results.store import Run
from harness.stats.intervals import Estimate

SOURCES = {"demonstrations": "draw", "template": "format", REST: "order within a draw"}


def titled(prompt: Prompted) -> str:
    """What tables call a prompt."""
    return groups.of_prompt(prompt.settings, f"seed {prompt.seed}" if prompt.seed else "")


def titled_as(run: Run, selector: str, order: str) -> str:
    """What tables call the prompt of ``run``, had ``selector`` chosen its demonstrations in this ``order``."""
    spec = {**run.spec, "selector": selector, "order": order}
    return groups.of_prompt(spec, f"seed {run.spec['seed']}" if run.spec["seed"] else "")


def alike(runs: Sequence[Run], but: Sequence[str]) -> list[list[int]]:
    """The places of one prompt's runs together, which differ by what ``but`` names only: pairs of the signature, such
    as template, or seed."""
    found: dict[object, list[int]] = {}
    for place, run in enumerate(runs):
        key = groups.fixed(run, [each for each in but if each != "seed"]), "seed" not in but and run.spec["seed"]
        found.setdefault(key, []).append(place)
    return list(found.values())


def told(spread: Spread, title: str, what: str, given: int | None = 0) -> list[Line]:
    """The lines of a spread over variants, which ``what`` calls in the plural; ``given`` is the place of the variant
    that was given, if one was."""
    values, n = spread.values, spread.n
    lines = [
        Line(
            title,
            f"{spread.metric}: lowest to highest of {len(values)} {what}",
            spread.range,
            n,
            float(values.min()),
            float(values.max()),
            p=spread.p,
        )
    ]
    for name, share in (("lower quartile", 0.25), ("median", 0.5), ("upper quartile", 0.75)):
        lines.append(Line(title, f"{spread.metric}: {name} of {len(values)} {what}", spread.quantile(share), n))
    if given is not None:
        rank = f"median to the one given, number {spread.rank(given)} of {len(values)}"
        middle = float(spread.quantile(0.5).value)
        lines.append(Line(title, f"{spread.metric}: {rank}", spread.beyond(given), n, middle, float(values[given])))
    return lines


def parts(runs: Sequence[Run], title: str, metric: str) -> list[Line]:
    """Where the variance of a single run's score comes from, as standard deviations, noise taken off."""
    lines = []
    for found in decompose(runs, metric):
        for each in found.components:
            if not math.isnan(each.deviation):
                share = "" if math.isnan(each.share) else f", {100 * each.share:.0f} % of the variance"
                what = f"{metric}: standard deviation by {SOURCES.get(each.source, each.source)}{share}"
                lines.append(Line(title, what, Estimate(each.deviation, each.low, each.high), len(runs[0].examples)))
    return lines


def reversals(spreads: Sequence[Spread], titles: Sequence[str], what: str) -> list[Line]:
    """Of each two predictors, how often one orders a pair of variants otherwise than the other."""
    lines = []
    for two in range(len(spreads)):
        for one in range(two):
            share, tau = spreads[one].reversals(spreads[two])
            pair = f"{titles[one]} and {titles[two]}"
            n = spreads[one].n
            lines += [
                Line(pair, f"share of pairs of {what} that they order otherwise", share, n),
                Line(pair, f"Kendall's tau between their {what}", tau, n),
            ]
    return lines


def cost(workload: Workload, runs: Sequence[Run]) -> str:
    """What asking all together took, as a sentence."""
    computed = sum(run.usage["computed_tokens"] for run in runs)
    if not workload.missing:
        return f"{workload.prompts:,} prompts, all of them answered before."
    known = f" ({workload.known:,} were answered before)" if workload.known else ""
    return (
        f"{workload.prompts:,} prompts{known} asked as one trie of {workload.missing:,} tokens: {computed:,.0f} "
        f"computed ({computed / workload.missing:.2f} a node); one by one they would be {workload.submitted:,}."
    )
