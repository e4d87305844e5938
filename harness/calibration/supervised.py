"""Supervised calibration: an offset and a scale of each label, fitted on the labelled items that a baseline gets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np
import numpy.typing as npt

from harness.calibration import Array
from harness.calibration.rows import NEVER, normalised, observed
from harness.types import Example

Indices = npt.NDArray[np.intp]

PENALTIES = (1000.0, 100.0, 10.0, 1.0)
FEW = 10.0  # the penalty where there is too little data to choose one: ten items move an offset by one at most
ENOUGH = 40  # items; simulated with fewer, FEW lost less than what cross-validation chose
FOLDS = 5
STEPS = 100  # Newton's; a handful is usual


class Supervised:
    """``scale`` times the label's log-probability plus ``offset``, normalised again: vector scaling (Guo et al., 2017),
    on log-probabilities as in diagonal Dirichlet calibration (Kull et al., 2019).

    They maximise the likelihood of the targets less a penalty times the distance to the identity: offset^2 / 2 and
    scale - 1 - log(scale), which keeps scales positive. So little data changes little. The penalty is the largest
    whose likelihood in 5-fold cross-validation is within one standard error of the best; with fewer than 40 items, or
    two a label on average, it is ``FEW``. Nothing is drawn: each label's items go to the folds in the order of
    their log-probabilities. Items of which a demonstration was shown with its answer should not be among them."""

    name = "supervised"
    sampled = True
    labelled = True
    demonstrated = True

    def asks(
        self, pool: Sequence[Example], sample: Sequence[Example], inputs: Sequence[str], seed: int
    ) -> Sequence[Example]:
        """The sample, whose targets ``fit`` must be given."""
        return sample

    def fit(self, rows: Array, targets: Sequence[int] = ()) -> Self:
        stated, truth = observed(self.name, rows), np.asarray(targets, np.intp)
        assert len(stated) == len(truth)
        order = _canonical(stated, truth)
        stated, truth = stated[order], truth[order]
        # No offset makes the impossible likely: such an item would only drag the scale to 0.
        possible = stated[np.arange(len(truth)), truth] > NEVER
        stated, truth = stated[possible], truth[possible]
        enough = len(truth) >= max(2 * stated.shape[1], ENOUGH)
        self.penalty = _chosen(stated, truth) if enough else FEW
        ((self.scale, self.offset),) = _fitted(stated, truth, [self.penalty])
        return self

    def __call__(self, rows: Array) -> Array:
        return _applied(normalised(np.asarray(rows, np.float64)), self.scale, self.offset)


def _applied(stated: Array, scale: Array, offset: Array) -> Array:
    """The normalised rows, mended; what is impossible stays so."""
    return normalised(np.where(stated <= NEVER, -np.inf, scale * stated + offset))


def _canonical(stated: Array, truth: Indices) -> Indices:
    """An order of the items that is the same whatever order they, or the labels, come in: by the log-probability of the
    target, then by the others from the largest down."""
    right = stated[np.arange(len(truth)), truth]
    order: Indices = np.lexsort([*np.sort(stated, axis=1).T, right])
    return order


def _folds(truth: Indices) -> Indices:
    """The fold of each item: the items of a label are dealt one by one, so that each fold has its share of them."""
    _, first, label = np.unique(truth, return_index=True, return_inverse=True)
    folds = np.empty(len(truth), np.intp)
    folds[np.argsort(first[label], kind="stable")] = np.arange(len(truth)) % FOLDS
    return folds


def _chosen(stated: Array, truth: Indices) -> float:
    """The largest of ``PENALTIES`` that held-out items bear out about as well as the best."""
    folds = _folds(truth)
    losses = np.empty((len(PENALTIES), len(truth)))
    for fold in range(FOLDS):
        held = folds == fold
        for place, found in enumerate(_fitted(stated[~held], truth[~held], PENALTIES)):
            losses[place, held] = -_applied(stated[held], *found)[np.arange(held.sum()), truth[held]]
    worse = losses - losses[losses.mean(axis=1).argmin()]
    within = worse.mean(axis=1) <= worse.std(axis=1, ddof=1) / np.sqrt(len(truth))
    return PENALTIES[int(within.argmax())]


def _fitted(stated: Array, truth: Indices, penalties: Sequence[float]) -> list[tuple[Array, Array]]:
    """Scales and offsets (L,) that maximise the likelihood under each penalty, largest first: convex problems, each of
    which starts from the answer to the one before."""
    found, values = [], np.repeat([1.0, 0.0], stated.shape[1])
    for penalty in penalties:
        likelihood = _Likelihood(stated, truth, penalty)
        values = likelihood.best(values)
        found.append((values[: stated.shape[1]], values[stated.shape[1] :]))
    return found


class _Likelihood:
    """What is minimised: the penalised negative log-likelihood of L scales, then L offsets, as one vector."""

    def __init__(self, stated: Array, truth: Indices, penalty: float) -> None:
        self.stated, self.truth, self.penalty = stated, truth, penalty
        self.barred = np.where(stated <= NEVER, -np.inf, 0.0)

    def best(self, values: Array) -> Array:
        """The minimum, by Newton's method with backtracking from ``values``."""
        for _ in range(STEPS):
            slope, curvature = self.derivatives(values)
            step = -np.linalg.solve(curvature, slope)
            gain, now, size = float(slope @ step), self(values), 1.0
            if -gain < 1e-12:
                break
            while self(values + size * step) > now + 1e-4 * size * gain and size > 1e-9:
                size /= 2
            values = values + size * step
        return values

    def __call__(self, values: Array) -> float:
        scale, offset = np.split(values, 2)
        if scale.min() <= 0:
            return float("inf")
        away = (scale - 1 - np.log(scale) + offset**2 / 2).sum()
        told = self._told(values)
        return float(self.penalty * away - told[np.arange(len(told)), self.truth].sum())

    def derivatives(self, values: Array) -> tuple[Array, Array]:
        """(2L,) and (2L, 2L): the first and the second."""
        scale, offset = np.split(values, 2)
        chances = np.exp(self._told(values))
        felt = np.concatenate([chances * self.stated, chances], axis=1)
        excess = chances.copy()
        excess[np.arange(len(excess)), self.truth] -= 1
        slope = np.concatenate([(excess * self.stated).sum(axis=0), excess.sum(axis=0)])
        slope += self.penalty * np.concatenate([1 - 1 / scale, offset])
        curvature = np.diag(self.penalty * np.concatenate([1 / scale**2, np.ones_like(offset)])) - felt.T @ felt
        labels = np.arange(len(scale))
        for row, column, power in ((0, 0, 2), (0, 1, 1), (1, 0, 1), (1, 1, 0)):
            place = labels + row * len(scale), labels + column * len(scale)
            curvature[place] += (chances * self.stated**power).sum(axis=0)
        return slope, curvature

    def _told(self, values: Array) -> Array:
        scale, offset = np.split(values, 2)
        level = scale * self.stated + offset + self.barred
        level -= level.max(axis=1, keepdims=True)
        told: Array = level - np.log(np.exp(level).sum(axis=1, keepdims=True))
        return told
