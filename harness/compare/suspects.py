"""Items whose labels may be wrong: many rows answer them alike, and otherwise than labelled.

After confident learning (Northcutt, Jiang and Chuang, 2021, Journal of Artificial Intelligence Research 70): what a row
holds likely is judged by how likely it holds each class where that is the label. The rows' beliefs are pooled as a
weighted geometric mean (the logarithmic opinion pool; Genest and Zidek, 1986, Statistical Science 1), in which rows of
one model count as one. How far such a list can be trusted is measured: some labels are changed on purpose.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from harness.chance import rng
from harness.kinds import Kind
from harness.metrics.calibration import BINS
from harness.results.store import Run
from harness.stats.resample import Array
from harness.types import Example

LISTED = 500  # items at most
PLANTED, LEAST, MOST = 0.05, 20, 1 / 3  # labels that are changed on purpose: a share, at least so many, at most
IN_ALL = 100  # of them, over several times where one time changes fewer
FLOOR = 1e-3  # that a row holds of anything: one that is sure and wrong does not outvote all others
Codes = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Voter:
    """A row's answers, and its probabilities (n, labels) where it states some (NaN for items without). Voters of one
    ``source``, such as a model, have one vote together."""

    outputs: Sequence[str | None]
    stated: npt.NDArray[np.floating] | None
    source: Hashable


@dataclass(frozen=True, slots=True)
class Suspect:
    """The item at ``place``: the voters in ``rows`` answer ``said``; ``doubt`` in (0, 1] is how much more the pool
    holds of that than of the label."""

    place: int
    doubt: float
    said: str
    rows: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Suspects:
    """The most doubtful of ``n`` items first. Where ``planted`` labels are changed on purpose and the list is made
    anew, the share ``once`` of them is among its first as many, and ``twice`` among the first twice as many; the mean
    over so many ``times``."""

    items: tuple[Suspect, ...]
    planted: int
    once: float
    twice: float
    times: int
    n: int

    @property
    def words(self) -> str:
        """What the list is worth, in two sentences."""
        m, n = self.planted, self.n
        return (
            f"Where {m} of the {n} labels are changed on purpose ({self.times * m} over {self.times} times), "
            f"{100 * self.once:.0f} % of them are among the first {m} of the list, and {100 * self.twice:.0f} % among "
            f"the first {2 * m}. A list in random order would have {100 * m / n:.0f} % and {200 * m / n:.0f} % there."
        )


def source(run: Run) -> Hashable:
    """Where a run's answers come from: its model, or without one its baseline or its file."""
    spec = run.spec
    return spec["predictor"], spec["model"] or spec.get("answers")


def suspects(kind: Kind, examples: Sequence[Example], voters: Sequence[Voter]) -> Suspects | None:
    """The list; None where answers are not simply right or wrong, and where there are too few items to measure it."""
    n = len(examples)
    planted = min(max(LEAST, round(PLANTED * n)), int(MOST * n))
    if kind.graded or planted < 2 or not voters:
        return None
    found = _ranked(kind, examples, voters)
    times = -(-IN_ALL // planted)
    shares = [_refound(kind, examples, voters, planted, rng("planted labels", n, time)) for time in range(times)]
    once, twice = np.mean(shares, axis=0).tolist()
    return Suspects(tuple(found[:LISTED]), planted, once, twice, times, n)


def _refound(
    kind: Kind, examples: Sequence[Example], voters: Sequence[Voter], planted: int, draws: np.random.Generator
) -> tuple[float, float]:
    """The shares of so many labels changed on purpose among the first as many, and twice as many, of the list."""
    places = set(draws.choice(len(examples), planted, replace=False).tolist())
    changed = [_changed(kind, examples, place, draws) if place in places else e for place, e in enumerate(examples)]
    again = [each.place for each in _ranked(kind, changed, voters)]
    return len(places & set(again[:planted])) / planted, len(places & set(again[: 2 * planted])) / planted


def _changed(kind: Kind, examples: Sequence[Example], place: int, draws: np.random.Generator) -> Example:
    """An item with another label: one of the task's, or where there is no set of them, another item's."""
    example = examples[place]
    others = [output for output in kind.outputs if output != example.target]
    for _ in range(100):
        target = str(draws.choice(others)) if others else examples[int(draws.integers(len(examples)))].target
        if target != example.target:
            return replace(example, target=target)
    return example


def _ranked(kind: Kind, examples: Sequence[Example], voters: Sequence[Voter]) -> list[Suspect]:
    """The items on which the pool holds more of an answer than of the label, and of which a row is confident."""
    given, ballots, size = _coded(kind, examples, voters)
    pool, whole = np.zeros((len(examples), size)), 0.0
    sure = np.zeros((len(examples), size), bool)
    groups: dict[Hashable, list[tuple[Array, float]]] = {}
    for voter, codes in zip(voters, ballots, strict=True):
        held, weight, confidently = _belief(voter.stated if kind.outputs else None, codes, given, size)
        groups.setdefault(voter.source, []).append((held, weight))
        if weight > 0:
            places = np.flatnonzero(confidently >= 0)
            sure[places, confidently[places]] = True
    for group in groups.values():
        total, most = sum(weight for _, weight in group), max(weight for _, weight in group)
        if total > 0:
            pool += most / total * sum(weight * np.log(np.maximum(held, FLOOR)) for held, weight in group)
            whole += most
    if not whole:
        return []
    held = np.exp(pool / whole)
    held /= held.sum(1, keepdims=True)
    items = np.arange(len(examples))
    own = held[items, given].copy()
    held[items, given] = -1
    said = held.argmax(1)
    doubts = np.round(held[items, said] - own, 6)
    listed = np.flatnonzero((doubts > 0) & sure[items, said])
    found = []
    for place in listed[np.argsort(-doubts[listed], kind="stable")].tolist():
        rows = tuple(row for row, codes in enumerate(ballots) if codes[place] == said[place])
        if rows:
            answer = voters[rows[0]].outputs[place]
            found.append(Suspect(place, float(doubts[place]), answer or "", rows))
    return found


def _coded(kind: Kind, examples: Sequence[Example], voters: Sequence[Voter]) -> tuple[Codes, list[Codes], int]:
    """The labels and each voter's answers as numbers below a size; -1 for no answer. Without a set of labels, 0 is what
    is right for an item, and any other answer the number of the first voter who gives it, plus one."""
    if kind.outputs:
        places = {output: place for place, output in enumerate(kind.outputs)}
        given = np.array([places[example.target] for example in examples])
        ballots = [np.array([-1 if output is None else places[output] for output in voter.outputs]) for voter in voters]
        return given, ballots, len(places)
    codes = np.full((len(voters), len(examples)), -1)
    for place, example in enumerate(examples):
        seen: dict[str, int] = {}
        for row, voter in enumerate(voters):
            output = voter.outputs[place]
            if output is None:
                continue
            if output not in seen:
                seen[output] = 0 if kind.right(example, output) == 1 else row + 1
            codes[row, place] = seen[output]
    return np.zeros(len(examples), np.int64), list(codes), len(voters) + 1


def _belief(
    stated: npt.NDArray[np.floating] | None, codes: Codes, given: Codes, size: int
) -> tuple[Array, float, Codes]:
    """What a voter holds of each answer (n, size), its weight, and what it is confident of (-1: of nothing).

    Its weight is its agreement with the labels beyond chance (Cohen, 1960), times one minus its calibration error (Guo
    et al., 2017), or without probabilities its accuracy; it then holds of its own answer as much as it is right."""
    answered, right = codes >= 0, codes == given
    accuracy = float(right[answered].mean()) if answered.any() else 0.0
    accuracy = min(max(accuracy, 1 / size), 1 - FLOOR)
    held = np.full((len(codes), size), 1 / size)
    held[answered] = (1 - accuracy) / (size - 1)
    held[np.flatnonzero(answered), codes[answered]] = accuracy
    confidently, trust = codes.copy(), accuracy
    if stated is not None:
        known = ~np.isnan(stated).any(1)
        bounds = thresholds(stated[known], given[known])
        scaled = stated[known] / bounds
        held[known] = scaled / np.maximum(scaled.sum(1, keepdims=True), 1e-12)
        confidently[known] = confident(stated[known], bounds)
        trust = 1 - _miscalibration(stated[known], right[known])
    return held, max(_agreement(codes, given, size), 0.0) * trust, confidently


def thresholds(stated: npt.NDArray[np.floating], given: Codes) -> Array:
    """(labels,) the mean probability of each label over the items that have it (Northcutt et al., 2021, equation 2); 1
    for a label that none has."""
    counts = np.bincount(given, minlength=stated.shape[1])
    own = np.bincount(given, stated[np.arange(len(given)), given], minlength=stated.shape[1])
    found: Array = np.where(counts > 0, np.maximum(own / np.maximum(counts, 1), FLOOR), 1.0)
    return found


def confident(stated: npt.NDArray[np.floating], bounds: Array) -> Codes:
    """(n,) the likeliest of the labels whose probability is at least their threshold, -1 where none is: an item's
    column in the confident joint (Northcutt et al., 2021, equation 1)."""
    over = np.where(stated >= bounds, stated, -1.0)
    found: Codes = np.where(over.max(1) >= 0, over.argmax(1), -1)
    return found


def _agreement(codes: Codes, given: Codes, size: int) -> float:
    """Cohen's kappa, no answer being an answer of its own; 0 where chance explains all."""
    one, other = (np.bincount(each + 1, minlength=size + 1) / len(codes) for each in (codes, given))
    chance = float(one @ other) if len(set(given.tolist())) > 1 else 0.0
    return (float((codes == given).mean()) - chance) / (1 - chance) if chance < 1 else 0.0


def _miscalibration(stated: npt.NDArray[np.floating], right: npt.NDArray[np.bool_]) -> float:
    """The expected calibration error of (n, labels) probabilities; 0 of none."""
    most = stated.max(1, initial=0)
    which = np.minimum((most * BINS).astype(int), BINS - 1)
    gaps = np.bincount(which, most - right, minlength=BINS)
    return float(np.abs(gaps).sum() / max(len(stated), 1))
