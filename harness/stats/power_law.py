"""The inverse power law of learning curves, fitted to many resamples at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from harness.errors import InputError
from harness.stats.resample import Array

EXPONENTS = np.geomspace(0.05, 2.0, 40)
STRAIGHT = np.array([1e-3])  # as good as a straight line against the logarithm of the size
FINER = 21  # exponents tried between the neighbours of the best


@dataclass(frozen=True, slots=True)
class PowerLaw:
    """Curves c - a (n / unit)^-b, one for each entry of ``c``, ``a`` and ``b``, (k,): they rise from the score at size
    ``unit``, c - a, towards c, or are flat where a is 0."""

    c: Array
    a: Array
    b: Array
    unit: float

    def at(self, sizes: Array) -> Array:
        """(k, m) scores at ``sizes`` (m,)."""
        found: Array = self.c[:, None] - self.a[:, None] * (sizes / self.unit) ** -self.b[:, None]
        return found

    def reaches(self, scores: Array) -> Array:
        """(k,) the size at which each curve is at ``scores``, (k,) or a number: infinite where it never is, 0 where it
        lies there or above whatever the size."""
        room = self.c - scores
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            sizes = self.unit * (room / self.a) ** (-1 / self.b)
        sizes = np.where((room <= 0) | np.isnan(sizes), np.inf, sizes)
        found: Array = np.where((self.a <= 0) & (room >= 0), 0.0, sizes)
        return found


def fit(sizes: Array, scores: Array, weights: Array, top: float = np.inf, end: float = np.inf) -> PowerLaw:
    """The curves through ``scores`` (k, m) at ``sizes`` (m,) by least squares with ``weights`` (m,), a at least 0 and
    no score above ``top`` up to the size ``end``.

    Hestness et al., 2017, "Deep Learning Scaling is Predictable, Empirically"; for classifiers on few texts Figueroa et
    al., 2012, "Predicting sample size required for classification performance"; among forms of learning curves it is
    the one that is used most (Viering and Loog, 2022, "The Shape of Learning Curves: a Review"). For each b of a grid
    the best a and c are known in closed form; a finer grid follows around the best b. Two sizes give a straight line
    against the logarithm of the size, for use between them. Raises InputError for fewer."""
    if len(sizes) < 2:
        raise InputError(f"a learning curve goes through two sizes or more, not {len(sizes)}.")
    unit = float(sizes.min())
    if len(sizes) == 2:
        return PowerLaw(*_best(sizes / unit, scores, weights, np.inf, np.inf, STRAIGHT[None]), unit)
    steps = np.log(EXPONENTS[1] / EXPONENTS[0]) * np.linspace(-1, 1, FINER)
    _, _, b = _best(sizes / unit, scores, weights, top, end / unit, EXPONENTS[None])
    return PowerLaw(*_best(sizes / unit, scores, weights, top, end / unit, b[:, None] * np.exp(steps)), unit)


def _best(
    sizes: Array, scores: Array, weights: Array, top: float, end: float, exponents: Array
) -> tuple[Array, Array, Array]:
    """c, a and b (k,) of least squares among ``exponents``, (k, e), or (1, e) for all curves alike."""
    w = weights / weights.sum()
    last = end**-exponents  # (k or 1, e)
    # c is the score at ``end`` in what follows, and x how far a size is from it, (k or 1, e, m).
    x = sizes ** -exponents[..., None] - last[..., None]
    mean, at = scores @ w, x @ w
    x_centred = x - at[..., None]
    spread = x_centred**2 @ w
    a = np.maximum(-_times(x_centred, scores * w) / spread, 0)
    c = mean[:, None] + a * at
    if np.isfinite(top):
        bound = np.maximum(_times(x, (top - scores) * w) / (x**2 @ w), 0)
        a, c = np.where(c > top, bound, a), np.minimum(c, top)
    # The mean of squares of c - a x - scores, without a table of (k, e, m).
    error = c**2 - 2 * c * (a * at + mean[:, None]) + a**2 * (x**2 @ w) + 2 * a * _times(x, scores * w)
    best = error.argmin(1)
    rows = np.arange(len(scores))
    c = c + a * last
    return c[rows, best], a[rows, best], np.broadcast_to(exponents, error.shape)[rows, best]


def _times(x: Array, scores: Array) -> Array:
    """(k, e) sums over sizes of ``x``, (k or 1, e, m), times ``scores`` (k, m)."""
    found: Array = scores @ x[0].T if len(x) == 1 else np.einsum("kem,km->ke", x, scores)
    return found
