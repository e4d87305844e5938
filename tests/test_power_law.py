"""Learning curves: the inverse power law, how much draws of training examples vary, and both by simulation."""

import math

import numpy as np
import pytest
from crossover import Cell, counted
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import least_squares

from harness.errors import InputError
from harness.stats import learning_curve, power_law
from harness.stats.draws import Draws
from harness.stats.intervals import Estimate

SIZES = np.array([20.0, 40.0, 80.0, 160.0, 300.0])
SHARES = st.lists(st.floats(0, 1), min_size=5, max_size=5)


def fitted(scores, sizes=SIZES, weights=None, top=1.0):
    scores = np.atleast_2d(np.array(scores, float))
    return power_law.fit(sizes, scores, np.ones(len(sizes)) if weights is None else weights, top)


class TestPowerLaw:
    @pytest.mark.parametrize(
        ("c", "a", "b"), [(0.92, 2.0, 0.8), (0.85, 0.9, 0.5), (0.65, 0.4, 0.3), (0.7, 6, 1.2), (1, 0.75, 0.12)]
    )
    def test_finds_a_curve_without_noise(self, c, a, b):
        made = fitted(c - a * SIZES**-b)
        assert made.b[0] == pytest.approx(b, rel=0.01)
        assert made.c[0] == pytest.approx(c, abs=0.003)
        for size in (30, 150, 700, 3000):
            assert made.reaches(c - a * size**-b)[0] == pytest.approx(size, rel=0.05)
            assert made.at(np.array([size]))[0, 0] == pytest.approx(c - a * size**-b, abs=0.002)

    @settings(max_examples=60)
    @given(SHARES, st.lists(st.floats(0.1, 10), min_size=5, max_size=5))
    def test_is_as_near_as_another_solver_comes(self, scores, weights):
        """scipy's trust-region solver, with the same bounds, from three starts."""
        weights = np.array(weights)

        def miss(at):
            c, a, b = at
            return np.sqrt(weights) * (c - a * (SIZES / 20) ** -b - scores)

        def error(made):
            return float(weights @ (made.at(SIZES)[0] - scores) ** 2)

        bounds = ([-5, 0, 0.05], [1, 50, 2.0])
        starts = [(min(np.mean(scores), 0.99), 0.1, b) for b in (0.1, 0.5, 1.5)]
        others = [2 * least_squares(miss, start, bounds=bounds).cost for start in starts]
        assert error(fitted(scores, weights=weights)) <= min(others) * 1.002 + 1e-6

    @given(SHARES)
    def test_never_falls_and_stays_below_the_top(self, scores):
        made = fitted(scores)
        heights = made.at(np.geomspace(1, 1e5, 60))[0]
        assert (np.diff(heights) >= -1e-12).all()
        assert heights.max() <= 1 + 1e-12
        assert made.a[0] >= 0

    @given(SHARES, st.floats(0.01, 100), st.permutations(range(5)))
    def test_knows_no_unit_of_size_and_no_order(self, scores, factor, order):
        scores, order = np.array(scores), list(order)
        probes = np.geomspace(20, 3000, 9)
        made, other = fitted(scores), fitted(scores[order], sizes=factor * SIZES[order])
        assert np.allclose(made.at(probes), other.at(factor * probes), atol=1e-6)

    @given(st.lists(SHARES, min_size=2, max_size=5))
    def test_many_are_fitted_as_one_by_one(self, rows):
        together = fitted(rows)
        for place, row in enumerate(rows):
            alone = fitted(row)
            assert np.allclose(together.at(SIZES)[place], alone.at(SIZES)[0], atol=1e-9)

    def test_the_top_is_kept_to_as_far_as_it_matters(self):
        """Up to the end, not at the infinite."""
        scores = 0.3 + 0.14 * np.log2(SIZES / 20)
        made = power_law.fit(SIZES, scores[None], np.ones(5), 1.0, end=3000.0)
        assert made.c[0] > 1
        assert made.at(np.array([3000.0]))[0, 0] == pytest.approx(1.0)
        assert (np.abs(made.at(SIZES)[0] - scores) < np.abs(fitted(scores).at(SIZES)[0] - scores) + 0.02).all()

    def test_falling_points_make_a_flat_line(self):
        made = fitted([0.9, 0.8, 0.7, 0.6, 0.5])
        assert made.a[0] == 0
        assert made.c[0] == pytest.approx(0.7)
        assert made.reaches(0.6)[0] == 0
        assert made.reaches(0.8)[0] == math.inf

    def test_a_curve_ends_at_the_top(self):
        """A straight line against the logarithm would end nowhere."""
        made = fitted(0.3 + 0.1 * np.log2(SIZES / 20))
        assert made.c[0] == 1
        assert made.reaches(1.0)[0] == math.inf

    def test_two_sizes_are_a_straight_line_between_them(self):
        made = fitted([0.5, 0.7], sizes=np.array([20.0, 80.0]))
        assert made.at(np.array([20.0, 40.0, 80.0]))[0] == pytest.approx([0.5, 0.6, 0.7], abs=1e-3)
        assert made.reaches(0.6)[0] == pytest.approx(40, rel=0.01)

    def test_one_size_is_no_curve(self):
        with pytest.raises(InputError, match="two sizes or more, not 1"):
            fitted([0.5], sizes=np.array([20.0]))


class TestDraws:
    def test_errors_go_together_as_those_of_nested_means(self):
        """Means of samples of an endless population, of which a pool of 100 is at hand: two draws, three sizes."""
        rng = np.random.default_rng(0)
        sizes, draws = np.array([10, 40, 100, 10, 40, 100]), np.array([0, 0, 0, 1, 1, 1])
        means = np.empty((20000, 6))
        for place in range(len(means)):
            pool = rng.standard_normal(100)
            shuffled = [rng.permutation(pool) for _ in range(2)]
            means[place] = [shuffled[draw][:size].mean() for size, draw in zip(sizes, draws, strict=True)]
        nested, both, own = Draws(sizes, draws, 100.0).shapes() / 10
        assert np.cov(means.T) == pytest.approx(nested, abs=0.004)
        assert own == pytest.approx(np.eye(6) / 10)
        assert both == pytest.approx((nested + own) / 2)

    @pytest.mark.parametrize("shape", [0, 2])
    def test_finds_how_draws_err(self, shape):
        """Over 60 curves of three seeds a size, what is likeliest of each is near the truth on average."""
        rng = np.random.default_rng(1)
        points = Draws(np.repeat(SIZES, 3), np.tile(np.arange(3), 5))
        truth = 0.04**2 * points.shapes()[shape]
        noise = 0.01**2 * (np.eye(15) + 1) / 2
        curve = 0.85 - 0.9 * points.sizes**-0.5
        found = []
        for _ in range(60):
            errors = rng.multivariate_normal(np.zeros(15), truth + noise, method="eigh")
            covariances, chances = points.covariances(curve + errors, noise)
            found.append(np.sqrt(np.diagonal(covariances[chances.argmax()])))
        assert chances.sum() == pytest.approx(1)
        assert np.mean(found, axis=0) == pytest.approx(np.sqrt(np.diagonal(truth)), rel=0.25)

    def test_are_unknown_where_nothing_tells(self):
        three = Draws(SIZES[:3], np.zeros(3, int))
        assert not three.known
        covariances, chances = three.covariances(np.array([0.5, 0.6, 0.7]), 0.01**2 * np.eye(3))
        assert not covariances.any()
        assert chances == [1]
        assert Draws(SIZES[:4], np.zeros(4, int)).known
        repeated = Draws(np.array([20.0, 40, 100, 100]), np.array([0, 0, 0, 1]))
        assert repeated.known
        assert not Draws(repeated.sizes, repeated.draws, 100.0).known  # all there is, twice


def tables(hits, n, rng):
    return [np.stack([rng.random(n) < share, np.ones(n)], axis=1) for share in hits]


def share(totals):
    return totals[..., 0] / totals[..., 1]


class TestLearningCurve:
    def curve(self, hits, prompt, n=2000, seeds=2, **more):
        rng = np.random.default_rng(3)
        sizes = SIZES[: len(hits)]
        points = Draws(np.repeat(sizes, seeds), np.tile(np.arange(seeds), len(sizes)))
        runs = tables(np.repeat(hits, seeds), n, rng)
        return learning_curve.resample(
            points, runs, [tables([each], n, rng) for each in prompt], share, 1.0, np.random.default_rng(0), **more
        )

    def test_bounds_beyond_what_is_believed_are_open(self):
        curve = self.curve([0.5, 0.6, 0.68, 0.74, 0.78], [0.2, 0.64, 0.995])
        below, within, beyond = (curve.passes(place) for place in range(3))
        assert below == Estimate(0.0, 0.0, 0.0)
        assert 30 < within.low < within.value < within.high < 90
        assert (beyond.value, beyond.high) == (math.inf, math.inf)
        assert beyond.low > 1000
        assert curve.end == 3000

    def test_two_sizes_say_nothing_beyond_them(self):
        curve = self.curve([0.5, 0.6], [0.55, 0.65])
        assert 20 < curve.passes(0).value < 40
        assert curve.passes(1) == Estimate(math.inf, math.inf, math.inf)

    def test_a_fall_is_told(self):
        assert self.curve([0.5, 0.6, 0.7, 0.78, 0.8], [0.6]).falls() is None
        assert self.curve([0.5, 0.6, 0.7, 0.705, 0.7], [0.6]).falls() is None
        assert self.curve([0.7, 0.9, 0.9, 0.5, 0.7], [0.6]).falls() in ((40, 160), (80, 160))

    def test_clusters_make_it_wider(self):
        """Items that come in forty documents of fifty, all of one answered alike."""
        rng = np.random.default_rng(5)
        ease = rng.random(40).repeat(50)[:, None]
        runs = [np.concatenate([ease < hit, np.ones((2000, 1))], axis=1) for hit in (0.5, 0.6, 0.68, 0.74, 0.78)]
        prompt = [[np.concatenate([rng.random(40).repeat(50)[:, None] < 0.62, np.ones((2000, 1))], axis=1)]]
        points = Draws(SIZES, np.zeros(5, int))
        found = [
            learning_curve.resample(points, runs, prompt, share, 1.0, np.random.default_rng(0), clusters).passes(0)
            for clusters in (None, np.arange(40).repeat(50).tolist())
        ]
        assert found[0].low >= found[1].low
        assert 3 * found[0].high < found[1].high

    @pytest.mark.slow
    @pytest.mark.parametrize(
        "cell",
        [
            Cell("middling", 5, 3, 300),
            Cell("steep", 6, 1, 500),
            Cell("flat", 4, 5, 1000),
            Cell("middling", 5, 3, 300, documents=6),
            Cell("slow", 5, 3, 500, errors="own", error=0.015),
        ],
        ids=str,
    )
    def test_the_interval_holds_the_crossing(self, cell):
        """As often as it says, less three standard errors: within the sizes, near their end, and beyond.
        ``bench/crossover.py`` counts more cells, more often."""
        draws = 300
        for row in counted(cell, draws, 500):
            assert row["covered"] > 0.95 - 3 * math.sqrt(0.95 * 0.05 / draws), row
