"""Metrics of spans with types. An item without an answer has none of its spans, and none too many."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.metadata import version

import numpy as np

from harness.kinds import Kind
from harness.metrics import Array, Metric, divide
from harness.types import Example, Prediction

PARTS = ("correct", "partial", "possible", "actual")
HALF = 0.5  # what a span is worth that overlaps a right one


class EntityF1(Metric):
    """Micro-averaged F1 of exact spans with their types, 2 TP / (2 TP + FP + FN) over all items, as the CoNLL-2003 and
    WNUT-17 shared tasks have it; here from offsets, and no tokens. NaN where there is none and none is said."""

    names: tuple[str, ...] = ("entity-f1",)

    def __init__(self, kind: Kind) -> None:
        self.types = kind.members

    def statistics(self, examples: Sequence[Example], predictions: Sequence[Prediction]) -> Array:
        """(n, 3 T): of each type the hits, the right ones and those that are said."""
        place = {name: i for i, name in enumerate(self.types)}
        rows = np.zeros((len(examples), 3, len(self.types)))
        for row, example, prediction in zip(rows, examples, predictions, strict=True):
            gold, said = spans(example.target), spans(prediction.output)
            for which, held in enumerate((gold & said, gold, said)):
                for *_, name in held:
                    row[which, place[name]] += 1
        return rows.reshape(len(examples), -1)

    def parts(self, totals: Array) -> tuple[Array, Array, Array]:
        """(..., T) each: hits, right ones, said ones."""
        rows = totals.reshape(*totals.shape[:-1], 3, len(self.types))
        return rows[..., 0, :], rows[..., 1, :], rows[..., 2, :]

    def score(self, totals: Array) -> Array:
        hits, gold, said = (part.sum(-1, keepdims=True) for part in self.parts(totals))
        return divide(2 * hits, gold + said)

    def extremes(self, totals: Array) -> Array | None:
        """A span of each type in its share, found, and missed with another said in its place."""
        _, gold, _ = self.parts(totals)
        share = divide(gold, gold.sum(keepdims=True))
        if not np.isfinite(share).all():
            return None
        return np.stack([np.concatenate([share, share, share]), np.concatenate([0 * share, share, share])])


class EntityMacroF1(EntityF1):
    """Mean of the types' F1 of exact spans, over those that occur or are said."""

    names = ("entity-macro-f1",)

    def score(self, totals: Array) -> Array:
        hits, gold, said = self.parts(totals)
        counted = (gold + said) > 0
        each = np.where(counted, divide(2 * hits, gold + said), 0)
        return divide(each.sum(-1, keepdims=True), counted.sum(-1, keepdims=True).astype(float))


class TypeF1(EntityF1):
    """F1 of exact spans of each type; NaN for one that neither occurs nor is said."""

    def __init__(self, kind: Kind) -> None:
        super().__init__(kind)
        self.names = tuple(f"type-f1[{name}]" for name in self.types)

    def score(self, totals: Array) -> Array:
        hits, gold, said = self.parts(totals)
        return divide(2 * hits, gold + said)


class PartialF1(Metric):
    """F1 with half a point for a span that overlaps a right one without being it, whatever the types: the scheme
    "partial" of MUC-5 as SemEval-2013 task 9 scores it, counted by the package nervaluate."""

    names: tuple[str, ...] = ("partial-f1",)

    def __init__(self, kind: Kind) -> None:
        self.signature = f"nervaluate:{version('nervaluate')}|scheme:partial"

    def statistics(self, examples: Sequence[Example], predictions: Sequence[Prediction]) -> Array:
        """(n, 4): spans that are right, that overlap a right one, right ones there are, and said ones."""
        rows = [_counted(spans(e.target), spans(p.output)) for e, p in zip(examples, predictions, strict=True)]
        return np.array(rows, float).reshape(len(examples), len(PARTS))

    def score(self, totals: Array) -> Array:
        correct, partial, possible, actual = (totals[..., i : i + 1] for i in range(len(PARTS)))
        return divide(2 * (correct + HALF * partial), possible + actual)

    def extremes(self, totals: Array) -> Array | None:
        return np.array([[1.0, 0.0, 1.0, 1.0], [0.0, 0.0, 1.0, 1.0]])


def spans(text: str | None) -> set[tuple[int, int, str]]:
    """The spans of a canonical answer; none where there is no answer."""
    return {(start, end, name) for start, end, name in json.loads(text)} if text is not None else set()


def _counted(gold: set[tuple[int, int, str]], said: set[tuple[int, int, str]]) -> Sequence[float]:
    """nervaluate's counts of one item. An item of which nothing is right, or nothing said, needs no counting."""
    if not gold or not said:
        return 0, 0, len(gold), len(said)
    from nervaluate.entities import Entity
    from nervaluate.strategies import PartialEvaluation

    left, right = ([Entity(name, start, end - 1) for start, end, name in sorted(each)] for each in (gold, said))
    names = sorted({name for *_, name in gold | said})
    found, _ = PartialEvaluation().evaluate(left, right, names)
    return found.correct, found.partial, found.possible, found.actual
