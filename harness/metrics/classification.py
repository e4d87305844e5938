"""Metrics of labels, one or several an item. An item without an answer (unparsed, skipped, failed) is an error: it
counts against recall and towards no label's precision."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.kinds import Kind
from harness.metrics import Array, Metric, divide
from harness.types import Example, Prediction, Status


def margins(kind: Kind, examples: Sequence[Example], predictions: Sequence[Prediction]) -> Array:
    """(n, 3 L) rows of 0 and 1: the labels that the answer has rightly, the true ones, those of the answer (none where
    there is no answer). All that F1 and MCC ask for, and less than the L (L + 1) cells of a confusion matrix."""
    labels = kind.members
    place = {label: i for i, label in enumerate(labels)}
    rows = np.zeros((len(examples), 3, len(labels)))
    for i, (example, prediction) in enumerate(zip(examples, predictions, strict=True)):
        rows[i, 1, [place[label] for label in kind.classes(example.target)]] = 1
        if prediction.output is not None:
            rows[i, 2, [place[label] for label in kind.classes(prediction.output)]] = 1
    rows[:, 0] = rows[:, 1] * rows[:, 2]
    return rows.reshape(len(examples), 3 * len(labels))


class Accuracy(Metric):
    """Share of items answered rightly."""

    proportion = True
    mean = True
    name = "accuracy"

    def __init__(self, kind: Kind) -> None:
        self.kind, self.names = kind, (self.name,)

    def counts(self, example: Example, prediction: Prediction) -> float:
        """Whether the item is in the share."""
        return float(self.kind.right(example, prediction.output) == 1)

    def statistics(self, examples: Sequence[Example], predictions: Sequence[Prediction]) -> Array:
        counted = [self.counts(e, p) for e, p in zip(examples, predictions, strict=True)]
        return np.stack([np.asarray(counted, float), np.ones(len(counted))], axis=1)

    def score(self, totals: Array) -> Array:
        return divide(totals[..., :1], totals[..., 1:])

    def extremes(self, totals: Array) -> Array | None:
        return np.array([[1.0, 1.0], [0.0, 1.0]])


class ItemScore(Accuracy):
    """Mean over the items of each one's own score in [0, 1], where answers are not simply right or wrong: exact-span F1
    of entities, sentence chrF of texts. Of other kinds it is accuracy."""

    name = "item-score"

    def __init__(self, kind: Kind) -> None:
        super().__init__(kind)
        self.proportion = not kind.graded

    def counts(self, example: Example, prediction: Prediction) -> float:
        return self.kind.right(example, prediction.output)


class LenientAccuracy(ItemScore):
    """Accuracy (of graded kinds, the item score) where a text that is no answer but holds just one counts as that one:
    what it has over accuracy, a template or a constraint that keeps to the form of an answer could win."""

    name = "lenient-accuracy"
    mean = False

    def counts(self, example: Example, prediction: Prediction) -> float:
        said = prediction.mentioned if prediction.output is None else prediction.output
        return self.kind.right(example, said)


class ParseFailureRate(Accuracy):
    """Share of items whose generated text is no answer, or several."""

    name = "parse-failure-rate"
    mean = False
    losses = True

    def counts(self, example: Example, prediction: Prediction) -> float:
        return float(prediction.status is Status.UNPARSED)

    def extremes(self, totals: Array) -> Array | None:
        return np.array([[0.0, 1.0], [1.0, 1.0]])


class ClassF1(Metric):
    """F1 of each class of answers: 2 TP / (2 TP + FP + FN); NaN for one that neither occurs nor is predicted.

    A class is a label, or a relation in both directions: an answer in the wrong one is no hit. The label that says
    there is nothing is no class."""

    def __init__(self, kind: Kind) -> None:
        self.kind, self.labels = kind, kind.members
        groups = [kind.group(label) for label in self.labels]
        self.groups = tuple(dict.fromkeys(group for group in groups if group is not None))
        # (L, G): 1 where a label counts under a class.
        self._under = np.array([[float(group == each) for each in self.groups] for group in groups])
        self.names = tuple(f"f1[{group}]" for group in self.groups)

    def statistics(self, examples: Sequence[Example], predictions: Sequence[Prediction]) -> Array:
        return margins(self.kind, examples, predictions)

    def counts(self, totals: Array) -> tuple[Array, Array, Array]:
        """(..., G) each: hits, items of the class, items answered with it."""
        hits, true, said = (each @ self._under for each in _split(totals))
        return hits, true, said

    def score(self, totals: Array) -> Array:
        hits, true, said = self.counts(totals)
        return divide(2 * hits, true + said)

    def extremes(self, totals: Array) -> Array | None:
        """The labels in the shares in which they occur; a wrong answer is any other label, all alike."""
        _, true, _ = _split(totals)
        share = divide(true, true.sum(keepdims=True))
        other = (1 - share) / (len(self.labels) - 1)
        return np.stack([np.concatenate([share, share, share]), np.concatenate([0 * share, share, other])])


class MacroF1(ClassF1):
    """Mean of the classes' F1, over those that occur or are predicted.

    With directed relations, the official score of SemEval-2010 task 8 (Hendrickx et al., 2010)."""

    def __init__(self, kind: Kind) -> None:
        super().__init__(kind)
        self.names = ("macro-f1",)

    def score(self, totals: Array) -> Array:
        hits, true, said = self.counts(totals)
        counted = (true + said) > 0
        each = np.where(counted, divide(2 * hits, true + said), 0)
        return divide(each.sum(-1, keepdims=True), counted.sum(-1, keepdims=True).astype(float))


class MicroF1(ClassF1):
    """F1 over the hits of all classes together: without a label that says there is nothing, it is accuracy wherever
    every item has an answer."""

    def __init__(self, kind: Kind) -> None:
        super().__init__(kind)
        self.names = ("micro-f1",)

    def score(self, totals: Array) -> Array:
        hits, true, said = (each.sum(-1, keepdims=True) for each in self.counts(totals))
        return divide(2 * hits, true + said)


class Mcc(ClassF1):
    """Matthews' correlation for several labels (Gorodkin, 2004); no answer counts as a label of its own. 0 where
    every item is answered alike, as scikit-learn has it."""

    ends = (-1.0, 1.0)

    def __init__(self, kind: Kind) -> None:
        super().__init__(kind)
        self.names = ("mcc",)

    def score(self, totals: Array) -> Array:
        hits, true, said = _split(totals)
        n = true.sum(-1)
        none = n - said.sum(-1)
        top = hits.sum(-1) * n - (true * said).sum(-1)
        spread = (n**2 - (said**2).sum(-1) - none**2) * (n**2 - (true**2).sum(-1))
        out = np.divide(top, np.sqrt(np.maximum(spread, 0)), out=np.zeros_like(top), where=spread > 0)
        return np.where(n > 0, out, np.nan)[..., None]


def _split(totals: Array) -> tuple[Array, Array, Array]:
    """(..., L) each: items answered rightly, items of the label, items answered with it."""
    rows = totals.reshape(*totals.shape[:-1], 3, totals.shape[-1] // 3)
    return rows[..., 0, :], rows[..., 1, :], rows[..., 2, :]
