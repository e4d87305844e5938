"""How much a score varies with the examples that a model was trained on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from harness.stats.power_law import EXPONENTS, STRAIGHT
from harness.stats.resample import Array

# Standard deviations of draws at the smallest size, in those of the items' noise.
GRID = np.concatenate([[0.0], np.geomspace(0.05, 20.0, 30)])
OWN = (0.0, 0.5, 1.0)  # shares of what a run errs by on its own


@dataclass(frozen=True, slots=True)
class Draws:
    """Points of a learning curve: the runs' training ``sizes`` (r,), and which draw of the train split each sample is
    of (r,), from 0: samples of one draw are nested. ``pool`` is the size of the train split, infinite where it is not
    known."""

    sizes: Array
    draws: Array
    pool: float = np.inf

    @property
    def distinct(self) -> Array:
        """(m,) the sizes there are."""
        return np.unique(self.sizes)

    @property
    def samples(self) -> set[tuple[float, int]]:
        """Size and draw of each: a sample of all there is, is the same whoever draws it."""
        pairs = zip(self.sizes.tolist(), self.draws.tolist(), strict=True)
        return {(size, draw if size < self.pool else -1) for size, draw in pairs}

    @property
    def known(self) -> bool:
        """Whether they tell how much draws vary: from repetitions, or from the scatter of four points about a curve."""
        return len(self.samples) > len(self.distinct) or len(self.distinct) > 3

    def means(self) -> Array:
        """(m, r) what takes the mean of the runs of each size."""
        same = self.distinct[:, None] == self.sizes
        found: Array = same / same.sum(1, keepdims=True)
        return found

    def shapes(self) -> Array:
        """(s, r, r) ways in which errors of the runs may go together, each with a variance of 1 at the smallest size.
        As those of means of the first n of a series, whose variance falls as 1 / n: of one draw the larger sample holds
        the smaller, and two draws share what the pool has. Each on its own and all as large, as a training's seed makes
        them. And half and half."""
        larger = np.maximum(self.sizes[:, None], self.sizes)
        same = self.draws[:, None] == self.draws
        nested = self.distinct[0] / np.where(same, larger, self.pool)
        return np.array([(1 - share) * nested + share * np.eye(len(nested)) for share in OWN])

    def scatter(self, scores: Array, variances: Array) -> Array:
        """(m,) the variance of the mean of each size's ``scores`` (r,): as they differ, where there are several, else
        its own of ``variances`` (r,). It knows nothing of a curve."""
        found = []
        for size in self.distinct:
            same = self.sizes == size
            several = same.sum() > 1
            found.append(np.var(scores[same], ddof=1) / same.sum() if several else variances[same][0])
        return np.array(found)

    def covariances(self, scores: Array, noise: Array) -> tuple[Array, Array]:
        """Covariances of the runs' errors and how likely each is, (g, r, r) and (g,), from the runs' ``scores`` (r,),
        whose items give them the covariance ``noise`` (r, r).

        The likelihood is restricted (Patterson and Thompson, 1971): that of the scores' scatter about a curve, and of
        runs of one size about each other, averaged over the curve's exponent. None but 0 where nothing tells."""
        scale = np.trace(noise) / len(noise)
        if not self.known or scale <= 0:
            return np.zeros((1, *noise.shape)), np.ones(1)
        found = np.concatenate([GRID[:, None, None] ** 2 * scale * shape for shape in self.shapes()])
        jitter = 1e-8 * scale * np.eye(len(noise))
        root = np.linalg.cholesky(noise + jitter + found)  # (g, r, r)
        curves = self._curves()  # (r, e, 2)
        known = np.concatenate([scores[:, None], curves.reshape(len(scores), -1)], axis=1)
        white = np.linalg.solve(root, np.broadcast_to(known, (len(found), *known.shape)))
        y, x = white[..., 0], white[..., 1:].reshape(len(found), *curves.shape)
        cross = np.einsum("grei,grej->geij", x, x)
        towards = np.einsum("grei,gr->gei", x, y)
        explained = np.einsum("gei,gei->ge", towards, np.linalg.solve(cross, towards[..., None])[..., 0])
        size = 2 * np.log(np.diagonal(root, axis1=1, axis2=2)).sum(1)
        fits = -0.5 * (size[:, None] + np.linalg.slogdet(cross)[1] + (y**2).sum(1)[:, None] - explained)
        chance = np.exp(fits - fits.max()).sum(1)
        return found, chance / chance.sum()

    def _curves(self) -> Array:
        """(r, e, 2) for each exponent, what the scores at the smallest and at the largest size add to each run's."""
        unit, largest = self.distinct[[0, -1]]
        exponents = EXPONENTS[::2] if len(self.distinct) > 2 else STRAIGHT
        x = (self.sizes[:, None] / unit) ** -exponents
        end = (largest / unit) ** -exponents
        first = (x - end) / (1 - end)
        return np.stack([first, 1 - first], axis=-1)
