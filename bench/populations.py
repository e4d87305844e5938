"""Populations of documents that an old system and a new, worse one have answered: what simulations draw items from.

Items, answers and statistics are real ones, made by the kinds and scored by the metrics; only what is true of all of
them, which no sample shows, is known here.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from harness import metrics
from harness.compare import estimate
from harness.gate.verdict import ALPHA, Decision, decide
from harness.kinds import Kind
from harness.kinds.classification import Classification
from harness.kinds.entities import Entities
from harness.kinds.state import State
from harness.kinds.text import Text
from harness.metrics import Array, Metric
from harness.types import Example, Prediction

DOCUMENTS, SIZE = 1500, 4  # documents, and their mean size where items are clustered
SPREAD = 0.8  # standard deviation, in logits, of how hard a document is, and of how hard an item of it is
WORSE, SHARED = (
    0.35,
    0.7,
)  # how much harder all is for the new system, in logits; items on which both have the same luck
LUCK = 120  # uniform numbers that an answer may need
WORDS = 3000

Gold = Callable[[np.random.Generator], str]
Answer = Callable[[str, Array, float], str]
"""What is said of a target, by uniform numbers and by the chance to have a part of it right."""


@dataclass(frozen=True)
class Population:
    """Statistics (items, d) of the ``old`` and the ``new`` system; document i has ``sizes[i]`` items."""

    metric: Metric
    old: Array
    new: Array
    sizes: np.ndarray

    @property
    def truth(self) -> tuple[float, float]:
        """The old system's score of all items, and the new one's minus it."""
        old, new = (float(self.metric.score(table.sum(0))[..., 0]) for table in (self.old, self.new))
        return old, new - old

    def draw(self, rng: np.random.Generator, n: int) -> tuple[np.ndarray, list[int] | None]:
        """The places of about ``n`` items, in whole documents, and of which document each is; None where each is its
        own."""
        picked = rng.integers(len(self.sizes), size=round(n / self.sizes.mean()))
        first = np.cumsum(self.sizes) - self.sizes
        places = np.concatenate([np.arange(first[i], first[i] + self.sizes[i]) for i in picked])
        if self.sizes.max() == 1:
            return places, None
        return places, np.repeat(np.arange(len(picked)), self.sizes[picked]).tolist()

    def counted(self, n: int, draws: int) -> tuple[float, float]:
        """Of so many draws of about ``n`` items, the share in which the old score's 95 % interval holds the true one,
        and the share in which the gate passes the new system at the margin by which it is worse."""
        truth, gap = self.truth
        rng, covered, passed = np.random.default_rng(n), 0, 0
        for _ in range(draws):
            places, clusters = self.draw(rng, n)
            old, new = self.old[places], self.new[places]
            (found,) = estimate.estimates(self.metric, [old], clusters)
            covered += found.low <= truth <= found.high
            bounds = estimate.difference(self.metric, self.metric.names[0], [new], [old], clusters, 1 - 2 * ALPHA)
            passed += decide(bounds, -gap) is Decision.PASS
        return covered / draws, passed / draws


def population(name: str, clustered: bool, chance: float) -> Population:
    """One of ``WORLDS``. ``chance`` is the old system's to have a part of a middling item right."""
    metric, kind, gold, answer = WORLDS[name]
    rng = np.random.default_rng(0)
    sizes = 1 + rng.poisson(SIZE - 1, DOCUMENTS) if clustered else np.ones(2 * DOCUMENTS, int)
    ease = np.log(chance / (1 - chance)) + np.repeat(rng.normal(0, SPREAD, len(sizes)), sizes)
    ease += rng.normal(0, SPREAD, len(ease))
    examples = [Example(str(i), {}, gold(rng)) for i in range(len(ease))]
    luck = rng.random((len(ease), LUCK))
    again = np.where(rng.random((len(ease), 1)) < SHARED, luck, rng.random((len(ease), LUCK)))
    made = metrics.create(metric, kind)
    old, new = (
        made.statistics(
            examples,
            [
                Prediction(example.id, answer(example.target, own, 1 / (1 + np.exp(hard - easy))))
                for example, own, easy in zip(examples, each, ease, strict=True)
            ],
        )
        for each, hard in ((luck, 0.0), (again, WORSE))
    )
    return Population(made, old, new, sizes)


TYPES = ("ORG", "PER", "LOC")


def _mentions(rng: np.random.Generator) -> str:
    return json.dumps([[10 * i, 10 * i + 5, rng.choice(TYPES, p=[0.6, 0.25, 0.15])] for i in range(rng.poisson(1.3))])


def _found(target: str, luck: Array, chance: float) -> str:
    """Each mention is right, or cut wrongly, or has some other type, or is missed; and one may be too many."""
    said = []
    for (start, end, name), (hit, how, which) in zip(json.loads(target), luck.reshape(-1, 3), strict=False):
        if hit < chance:
            said.append([start, end, name])
        elif how < 0.4:
            said.append([start, end + 2, name])
        elif how < 0.6:
            said.append([start, end, TYPES[int(which * 3)]])
    if luck[-1] < (1 - chance) / 2:
        said.append([990, 995, TYPES[int(luck[-2] * 3)]])
    return json.dumps(said)


FREQUENT = np.cumsum(1 / np.arange(1, WORDS + 1)) / np.sum(1 / np.arange(1, WORDS + 1))


def _word(luck: float) -> str:
    """A word of a vocabulary in which the one of rank r is 1 / r as frequent as the first (Zipf, 1935)."""
    return f"w{np.searchsorted(FREQUENT, luck)}"


def _sentence(rng: np.random.Generator) -> str:
    return json.dumps([" ".join(map(_word, rng.random(5 + rng.poisson(15))))])


def _translated(target: str, luck: Array, chance: float) -> str:
    """Each word is right, or another, or left out."""
    said = []
    for word, (hit, which) in zip(json.loads(target)[0].split(), luck.reshape(-1, 2), strict=False):
        if hit < chance:
            said.append(word)
        elif hit < chance + 0.6 * (1 - chance):
            said.append(_word(which))
    return " ".join(said)


def _known(rng: np.random.Generator) -> str:
    held = [slot for slot in "abcd" if rng.random() < 0.5] or ["a"]
    return json.dumps({slot: f"v{rng.integers(9)}" for slot in held})


def _tracked(target: str, luck: Array, chance: float) -> str:
    """Each value is right, or another, or not there."""
    said = {}
    for (slot, value), (hit, how) in zip(json.loads(target).items(), luck.reshape(-1, 2), strict=False):
        if hit < chance**0.4:
            said[slot] = value
        elif how < 0.5:
            said[slot] = "x"
    return json.dumps(said)


def _grade(rng: np.random.Generator) -> str:
    return str(rng.choice([*"12345"], p=[0.1, 0.2, 0.3, 0.25, 0.15]))


def _graded(target: str, luck: Array, chance: float) -> str:
    """The right grade, or the next one, or the one after it, up or down."""
    hit, way = luck[:2]
    step = 0 if hit < chance else 1 if hit < chance + 0.75 * (1 - chance) else 2
    return str(min(max(int(target) + (step if way < 0.5 else -step), 1), 5))


_STATE = State(slots=[*"abcd"])
WORLDS: dict[str, tuple[str, Kind, Gold, Answer]] = {
    "span F1": ("entity-f1", Entities(labels=[*TYPES]), _mentions, _found),
    "BLEU": ("bleu", Text(), _sentence, _translated),
    "joint goal accuracy": ("joint-goal-accuracy", _STATE, _known, _tracked),
    "QWK": ("qwk", Classification(labels=[*"12345"], order=True), _grade, _graded),
    "slot F1": ("slot-f1", _STATE, _known, _tracked),
    "ROUGE-L": ("rougeL", Text(), _sentence, _translated),
}
