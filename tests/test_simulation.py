"""The recommended intervals and the gate, by simulation: how often they are right, against how often they say so.

Where a score is a share of items the chances are summed exactly. Else they are counted over draws, and a bound allows
for two standard errors of that count.
"""

import math

import numpy as np
import pytest
from scipy import stats

from harness import metrics
from harness.compare import estimate
from harness.compare.estimate import PAIRED, SINGLE
from harness.gate import verdict
from harness.gate.verdict import Decision
from harness.kinds.classification import Classification
from harness.metrics.classification import MacroF1
from harness.stats import intervals, paired, power, sequential
from harness.stats.intervals import Estimate
from harness.stats.resample import Prior

pytestmark = pytest.mark.slow


def wealth(better, worse, n, difference):
    """Of ``n`` items, so many worth +1 and -1, the others 0."""
    return sequential.wealth(np.array([1.0, 0.0, -1.0]), np.array([better, n - better - worse, worse]), difference)


SIZES = (30, 100, 300, 1000)
ACCURACIES = (0.5, 0.8, 0.95, 0.99)
CELLS = [(n, accuracy) for n in SIZES for accuracy in ACCURACIES]
LABELS = ("a", "b", "c")
KIND = Classification(labels=list(LABELS))
SHARES = np.array([0.45, 0.30, 0.25])
METRIC = MacroF1(KIND)


def off(count, draws):
    """Two standard errors of a share near 0.95 counted over draws."""
    return 2 * math.sqrt(0.95 * 0.05 / draws)


def cells(accuracy):
    """(9, 9) rows of macro-F1's statistics for each (label, answer), and their chances; errors are spread evenly."""
    rows, chances = [], []
    for i in range(3):
        for j in range(3):
            row = np.zeros(9)
            row[3 + i] = row[6 + j] = 1
            row[i] = i == j
            rows.append(row)
            chances.append(SHARES[i] * (accuracy if i == j else (1 - accuracy) / 2))
    return np.array(rows), np.array(chances)


def macro(totals):
    return METRIC.score(totals)[..., 0]


class TestOneShare:
    """A share's interval covers in jumps as the true share moves, so no rule can be within 1.5 points everywhere: for
    100 items at 0.99, say, there are three counts that matter. On average over true shares near a cell it must be."""

    @pytest.mark.parametrize(("interval", "worst"), [(intervals.wilson, 0.83), (intervals.beta, 0.77)])
    @pytest.mark.parametrize(("n", "accuracy"), CELLS)
    def test_covers_near_every_cell(self, interval, worst, n, accuracy):
        counts = np.arange(n + 1)
        bounds = [interval(int(s), n) for s in counts]
        low, high = np.array([b.low for b in bounds]), np.array([b.high for b in bounds])
        width = 4 * math.sqrt(accuracy * (1 - accuracy) / n)
        near = np.linspace(max(accuracy - width, 0.001), min(accuracy + width, 0.999), 201)
        covered = [stats.binom.pmf(counts, n, p) @ ((low <= p) & (p <= high)) for p in near]
        assert np.mean(covered) == pytest.approx(0.95, abs=0.015)
        assert min(covered) > worst


class TestMacroF1:
    DRAWS = 6000

    def covered(self, n, accuracy, prior):
        rows, chances = cells(accuracy)
        truth, rng = macro(chances @ rows), np.random.default_rng(n)
        found = 0
        for _ in range(self.DRAWS if prior else 300):
            table = rows[np.repeat(np.arange(9), rng.multinomial(n, chances))]
            extremes = Prior(METRIC.extremes(table.sum(0)), np.array([SINGLE, SINGLE])) if prior else None
            bounds = intervals.bootstrap([table], macro, rng, prior=extremes, resamples=1000)
            found += bounds.low <= truth <= bounds.high
        return found / (self.DRAWS if prior else 300)

    @pytest.mark.parametrize(("n", "accuracy"), CELLS)
    def test_covers(self, n, accuracy):
        assert self.covered(n, accuracy, prior=True) == pytest.approx(0.95, abs=0.015 + off(0.95, self.DRAWS))

    def test_the_plain_bootstrap_would_not(self):
        """Why there are pseudo-items: with few errors a sample often shows none, and its resamples never do."""
        assert self.covered(30, 0.99, prior=False) < 0.6


def discordant(n, q, d, rng, size):
    """(size, 3) counts of items better, worse and alike."""
    return rng.multinomial(n, [(q + d) / 2, (q - d) / 2, 1 - q], size=size)


class TestDifferences:
    @pytest.mark.parametrize(("n", "q", "d"), [(30, 0.3, 0.0), (100, 0.2, -0.05), (300, 0.1, 0.02), (1000, 0.05, 0.01)])
    def test_of_accuracies_cover(self, n, q, d):
        counts = discordant(n, q, d, np.random.default_rng(0), 4000)
        unique, times = np.unique(counts, axis=0, return_counts=True)
        bounds = [paired.proportions(b, c, n) for b, c, _ in unique]
        covered = sum(t for t, e in zip(times, bounds, strict=True) if e.low <= d <= e.high) / 4000
        assert covered == pytest.approx(0.95, abs=0.015 + off(0.95, 4000))


class TestGate:
    @pytest.mark.parametrize("n", [50, 200, 1000])
    @pytest.mark.parametrize("q", [0.1, 0.3])
    @pytest.mark.parametrize("margin", [0.02, 0.05])
    def test_passes_what_is_worse_by_the_margin_one_time_in_twenty(self, n, q, margin):
        """Exact. Tango's bound is a large-sample one: half a point of room for counts of a few items."""
        assert power.pass_probability(n, margin, q, -margin) <= 0.055

    @pytest.mark.parametrize(("margin", "q", "d"), [(0.05, 0.2, 0.0), (0.05, 0.1, -0.01), (0.1, 0.3, 0.02)])
    def test_has_the_power_that_the_plan_says(self, margin, q, d):
        n = power.items_needed(margin, q, d)
        counts = discordant(n, q, d, np.random.default_rng(1), 4000)
        passed = 0
        for better, worse, _ in counts:
            gap = paired.proportions(better, worse, n, 1 - 2 * verdict.ALPHA)
            passed += verdict.decide(gap, margin) is Decision.PASS
        assert passed / 4000 == pytest.approx(power.pass_probability(n, margin, q, d), abs=0.03)
        assert passed / 4000 == pytest.approx(power.POWER, abs=0.03)

    @pytest.mark.parametrize(
        ("n", "accuracy", "q"), [(100, 0.8, 0.1), (300, 0.8, 0.2), (300, 0.95, 0.05), (1000, 0.9, 0.1)]
    )
    def test_on_macro_f1_passes_the_inferior_one_time_in_twenty(self, n, accuracy, q):
        """The new side has a share of items wrong that the old has right, such that macro-F1 falls by the margin."""
        rows, _ = cells(accuracy)
        joint, true = self.joint(accuracy, q)
        margin = -true
        rng, draws, passed = np.random.default_rng(n), 3000, 0
        place = np.array([(i, j) for i in range(9) for j in range(9)])
        for _ in range(draws):
            picked = place[np.repeat(np.arange(81), rng.multinomial(n, joint))]
            new, old = rows[picked[:, 0]], rows[picked[:, 1]]
            good, bad = METRIC.extremes(new.sum(0) + old.sum(0))
            prior = Prior(np.array([[*good, *bad], [*bad, *good]]), np.array([PAIRED, PAIRED]))
            gap = intervals.bootstrap(
                [new], macro, rng, against=[old], prior=prior, resamples=600, level=1 - 2 * verdict.ALPHA
            )
            passed += verdict.decide(gap, margin) is Decision.PASS
        assert passed / draws <= 0.05 + 0.01 + 2 * math.sqrt(0.05 * 0.95 / draws)

    @staticmethod
    def joint(accuracy, q):
        """Chances (81,) of (new cell, old cell) where the sides differ on a share ``q`` of the items, new being worse
        in three of four, and the difference in macro-F1 that this gives."""
        chances = np.zeros((9, 9))
        for i in range(3):
            wrong = [3 * i + j for j in range(3) if j != i]
            right = 3 * i + i
            chances[right, right] += SHARES[i] * (accuracy - 0.75 * q)
            for cell in wrong:
                chances[cell, cell] += SHARES[i] * (1 - accuracy - 0.25 * q) / 2
                chances[cell, right] += SHARES[i] * 0.75 * q / 2
                chances[right, cell] += SHARES[i] * 0.25 * q / 2
        rows, _ = cells(accuracy)
        gap = macro(chances.sum(1) @ rows) - macro(chances.sum(0) @ rows)
        return chances.ravel(), float(gap)


class TestSequential:
    N, PATHS = 1000, 1000

    def paths(self, q, d, seed):
        """(paths, n) running counts of better and worse items."""
        kinds = np.random.default_rng(seed).choice(3, size=(self.PATHS, self.N), p=[(q + d) / 2, (q - d) / 2, 1 - q])
        return (kinds == 0).cumsum(1), (kinds == 1).cumsum(1)

    def test_looking_after_every_item_errs_one_time_in_twenty(self):
        """The wealth exceeds 20 exactly where a bound passes the value it bets against: paths are judged by it."""
        q, margin = 0.2, 0.05
        for d, against in ((-margin, -margin), (0.0, 0.0)):
            better, worse = self.paths(q, d, 2)
            if against == 0.0:  # a false regression bets that the mean is below 0
                better, worse = worse, better
            ever = 0
            for b, w in zip(better, worse, strict=True):
                seen = np.unique(np.stack([b, w, np.arange(1, self.N + 1)], 1)[::5], axis=0)
                ever += any(wealth(x, y, n, against) >= math.log(20) for x, y, n in seen)
            assert ever / self.PATHS <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / self.PATHS)

    def test_an_equal_template_passes_with_half_the_items(self):
        better, worse = self.paths(0.2, 0.0, 3)
        stopped = []
        for b, w in zip(better[:200], worse[:200], strict=True):
            looks = range(31, self.N, 32)
            done = next((t for t in looks if wealth(b[t], w[t], t + 1, -0.05) >= math.log(20)), None)
            stopped.append(self.N if done is None else done + 1)
        assert np.mean(np.array(stopped) < self.N) > 0.7
        assert np.median(stopped) <= 0.6 * self.N


class TestClusters:
    """40 documents of 10 items; half of an item's answer is its document's."""

    def draw(self, rng):
        names = np.repeat(range(40), 10)
        easy = (rng.random(40) < 0.7)[names]
        own = rng.random(400) < 0.7
        return np.where(rng.random(400) < 0.7, easy, own).astype(float), names

    def test_naive_intervals_fail_and_ours_hold(self):
        rng, draws = np.random.default_rng(0), 1500
        naive = ours = booted = 0
        for i in range(draws):
            hits, names = self.draw(rng)
            rows = np.stack([hits, np.ones(400)], 1)
            one, (two,) = (
                intervals.wilson(hits.sum(), 400),
                estimate.estimates(metrics.create("accuracy", KIND), [rows], names),
            )
            naive += one.low <= 0.7 <= one.high
            ours += two.low <= 0.7 <= two.high
            if i % 3 == 0:
                three = intervals.bootstrap(
                    [rows], lambda t: t[..., 0] / t[..., 1], rng, clusters=list(names), resamples=800
                )
                booted += three.low <= 0.7 <= three.high
        assert naive / draws < 0.8
        assert ours / draws == pytest.approx(0.95, abs=0.015 + off(0.95, draws))
        assert booted / (draws / 3) == pytest.approx(0.95, abs=0.015 + off(0.95, draws / 3))


def test_the_defaults_are_those_simulated():
    """What the tests above call by hand is what a table gets."""
    rows, chances = cells(0.8)
    table = rows[np.repeat(np.arange(9), np.random.default_rng(0).multinomial(200, chances))]
    (found,) = estimate.estimates(metrics.create("macro-f1", KIND), [table])
    prior = Prior(METRIC.extremes(table.sum(0)), np.array([SINGLE, SINGLE]))
    same = intervals.bootstrap([table], macro, np.random.default_rng(0), prior=prior)
    assert isinstance(found, Estimate)
    assert (found.low, found.high) == (pytest.approx(same.low, abs=0.01), pytest.approx(same.high, abs=0.01))
