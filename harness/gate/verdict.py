"""The decision on a changed template: is it worse than what it replaces, by more than a margin?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np
from scipy import stats

from harness import metrics
from harness.compare import differences, estimate
from harness.errors import InputError
from harness.results import store
from harness.results.store import Run
from harness.stats import multiple, power, sequential
from harness.stats.intervals import Estimate
from harness.stats.paired import SAME
from harness.types import Prediction, Status

ALPHA = 0.05
PARSE = "parse-failure-rate"


class Decision(StrEnum):
    """What the evidence allows to say."""

    PASS = "pass"
    REGRESSION = "regression"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Finding:
    """A difference, new minus old, higher being better, with its one-sided 95 % bounds, and what follows from it.
    ``margin`` is in what the difference is in: points, where a metric counts from 0 to 100."""

    name: str
    difference: Estimate
    decision: Decision
    margin: float


@dataclass(frozen=True, slots=True)
class Flip:
    """An item that one side has right, or better, and the other has not, with what both said."""

    id: str
    target: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Slice:
    """The items' mean score (accuracy, where answers are right or wrong) on those of one label or tag: old and new,
    with the p of no difference adjusted over all slices (Holm)."""

    name: str
    n: int
    old: float
    new: float
    adjusted: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the gate found. ``findings`` are the metric's and, where any answer could not be parsed, that of parse
    failures; ``failed`` counts the items of old and new runs that got no answer, and count as wrong; ``n`` items were
    looked at; ``needed`` is how many the question would take (None: no number, or decided); ``again`` is that part of
    the margin which asking again changes by itself.
    """

    decision: Decision
    findings: tuple[Finding, ...]
    margin: float
    n: int
    needed: int | None
    worse: tuple[Flip, ...]
    better: tuple[Flip, ...]
    slices: tuple[Slice, ...]
    sequential: bool = False
    identical: bool = False
    failed: tuple[int, int] = (0, 0)
    graded: bool = False
    again: float = 0.0


@dataclass(frozen=True, slots=True)
class Checked:
    """A verdict with what is said around it: ``prompt_tokens`` is the mean length of old and new prompts (NaN where it
    is not known; None where nothing was asked), ``computed`` the tokens this check cost, ``total`` the items there are,
    ``texts`` those of flipped items."""

    task: str
    template: str
    against: str
    path: Path
    verdict: Verdict
    prompt_tokens: tuple[float, float] | None
    computed: int
    total: int
    seeds: int
    texts: Mapping[str, str]


def check_margin(margin: float, n: int) -> None:
    """Raises InputError for a margin that no evidence could meet."""
    if not 0 < margin < 1:
        least = float(stats.norm.ppf(1 - ALPHA)) ** 2
        raise InputError(
            f"--margin {margin:g}: the gate passes when the new template is surely not worse by more than the margin, "
            f"so it must lie between 0 and 1, such as 0.02. With these {n} items accuracy can pass at margins above "
            f"{least / (n + least):.3f} only, even if nothing changes."
        )


def decide(difference: Estimate, margin: float) -> Decision:
    """Pass if and only if the lower bound lies above -``margin`` (non-inferiority); regression where the upper bound
    lies below 0 or the difference itself is worse than -``margin``; else there is too little evidence.

    A pass outranks: a difference that is surely below 0 and surely above -margin is within what was allowed.
    """
    if difference.low > -margin:
        return Decision.PASS
    if difference.high < 0 or difference.value < -margin:
        return Decision.REGRESSION
    return Decision.UNDECIDED


def judge(
    new: Sequence[Run],
    old: Sequence[Run],
    metric: str,
    margin: float,
    identical: bool = False,
    more: Sequence[Finding] = (),
) -> Verdict:
    """The gate over all items. ``new`` and ``old`` are runs over the same items, one for each seed; ``identical`` says
    that both sides were asked the very same prompts: where they also answered alike, nothing can differ. ``more`` are
    findings besides those about answers."""
    old = [store.aligned(run, new[0]) for run in old]
    check_margin(margin, len(new[0].examples))
    identical &= all(_said(one) == _said(two) for one, two in zip(new, old, strict=True))
    gap = Estimate(0.0, 0.0, 0.0) if identical else _gain(new, old, metric)
    points = margin * (100 if differences.family(metric, new[0].kind).percent else 1)
    findings = [Finding(metric, gap, decide(gap, points), points)]
    if not identical and any(run.counts.get("unparsed") for run in (*new, *old)):
        fewer = _gain(new, old, PARSE)
        findings.append(Finding("parse successes", fewer, decide(fewer, margin), margin))
    findings += more
    return _verdict(new, old, margin, findings, _needed(new, old, margin, findings), identical=identical)


def judge_sequentially(new: Run, old: Run, metric: str, margin: float, last: bool) -> Verdict:
    """The gate on ``metric``, a mean of the items' own scores, over the items looked at so far, with bounds that hold
    however often one looks. ``last``: there are no more items, so an estimate worse than the margin is a regression,
    and an open question says what it would take; before that an estimate alone decides nothing."""
    found = differences.discordance(new, old)
    check_margin(margin, found.n)
    gaps = differences.hits(new) - differences.hits(old)
    gap = Estimate(float(gaps.mean()), sequential.lower(gaps, ALPHA), sequential.upper(gaps, ALPHA))
    decision = decide(gap, margin)
    if not last and decision is Decision.REGRESSION and gap.high >= 0:
        decision = Decision.UNDECIDED
    findings = [Finding(metric, gap, decision, margin)]
    likely = min(gap.value, 0.0)  # as seen, but no gain; where no item differed yet, one more might
    needed = (
        sequential.items_needed(max(float((gaps**2).mean()), 1 / found.n, -likely), likely, margin) if last else None
    )
    return _verdict([new], [old], margin, findings, needed, sequential=True)


def _gain(new: Sequence[Run], old: Sequence[Run], metric: str) -> Estimate:
    """New minus old with its one-sided bounds, turned round where lower is better."""
    gap = differences.difference(new, old, metric, 1 - 2 * ALPHA)
    losses = differences.family(metric, new[0].kind).losses
    return Estimate(0.0 - gap.value, 0.0 - gap.high, 0.0 - gap.low) if losses else gap


def _verdict(
    new: Sequence[Run],
    old: Sequence[Run],
    margin: float,
    findings: Sequence[Finding],
    needed: int | None,
    sequential: bool = False,
    identical: bool = False,
) -> Verdict:
    worse, better = _flips(new[0], old[0])
    decisions = {finding.decision for finding in findings}
    overall = next(d for d in (Decision.REGRESSION, Decision.UNDECIDED, Decision.PASS) if d in decisions)
    needed = needed if overall is Decision.UNDECIDED else None
    n = len(new[0].examples)
    slices = _slices(new[0], old[0])
    failed = (_failed(old), _failed(new))
    graded = new[0].kind.graded
    return Verdict(
        overall, tuple(findings), margin, n, needed, worse, better, slices, sequential, identical, failed, graded
    )


def _failed(runs: Sequence[Run]) -> int:
    return sum(prediction.status is Status.FAILED for run in runs for prediction in run.predictions)


def _needed(new: Sequence[Run], old: Sequence[Run], margin: float, findings: Sequence[Finding]) -> int | None:
    """Items for the undecided finding that takes most, at 80 % power, if the difference is as seen but no gain."""
    n = len(new[0].examples)
    needs: list[int | None] = []
    for finding in findings:
        if finding.decision is not Decision.UNDECIDED:
            continue
        gap = finding.difference
        likely = min(gap.value, 0.0)
        counted = finding is findings[0] and differences.family(finding.name, new[0].kind).mean
        independent = store.clusters(new[0].examples) is None
        if counted and independent and len(new) == len(old) == 1 and not new[0].kind.graded:
            found = differences.discordance(new[0], old[0])
            # Where no item differed yet, one more might.
            needs.append(power.items_needed(margin, max(found.share, 1 / n), likely))
        else:
            needs.append(power.items_needed_for(n, gap.value - gap.low, finding.margin + likely))
    return max((need for need in needs if need), default=None) if None not in needs else None


def _said(run: Run) -> list[str | None]:
    return [prediction.output for prediction in run.predictions]


def _flips(new: Run, old: Run) -> tuple[tuple[Flip, ...], tuple[Flip, ...]]:
    """The items that got worse and those that got better, the largest change first."""
    found: list[tuple[float, Flip]] = []
    was, now = differences.hits(old), differences.hits(new)
    for example, one, two, gap in zip(new.examples, old.predictions, new.predictions, now - was, strict=True):
        if abs(gap) > SAME:
            found.append((float(gap), Flip(example.id, example.target, _told(one), _told(two))))
    found.sort(key=lambda each: -abs(each[0]))
    return tuple(flip for gap, flip in found if gap < 0), tuple(flip for gap, flip in found if gap > 0)


def _told(prediction: Prediction) -> str:
    """The answer, or why there is none, with what the model wrote."""
    if prediction.output is not None:
        return prediction.output
    raw = prediction.trace.raw if prediction.trace else ""
    return f"{prediction.status} {raw!r}" if raw else prediction.status.value


def _slices(new: Run, old: Run) -> tuple[Slice, ...]:
    """One for each label and each value of each tag that at least two items carry."""
    groups: dict[str, list[int]] = {}
    for place, example in enumerate(new.examples):
        for name in new.kind.classes(example.target):
            groups.setdefault(f"label: {name}", []).append(place)
        for tag, value in example.tags.items():
            groups.setdefault(f"{tag}: {value}", []).append(place)
    now, was = differences.hits(new), differences.hits(old)
    found = {name: np.array(places) for name, places in sorted(groups.items()) if len(places) > 1}
    mean = metrics.create("item-score", new.kind)
    tables = [differences.statistics(run, mean) for run in (new, old)]
    ps = [estimate.p_value(mean, "item-score", [tables[0][i]], [tables[1][i]]) for i in found.values()]
    return tuple(
        Slice(name, len(places), float(was[places].mean()), float(now[places].mean()), p)
        for (name, places), p in zip(found.items(), multiple.adjust(ps), strict=True)
    )
