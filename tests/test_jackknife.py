"""Intervals by the jackknife: of one score between its ends, and of a difference; and Tango's over clusters."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from harness.errors import InputError
from harness.metrics import divide
from harness.stats import intervals, jackknife, paired
from harness.stats.jackknife import Jackknife

UNIT, WIDE = (0.0, 1.0), (-9.0, 9.0)


def share(totals):
    return divide(totals[..., 0], totals[..., 1])


def of(values):
    return np.stack([np.asarray(values, float), np.ones(len(values))], 1)


def correlation(totals):
    n, x, y, xx, yy, xy = np.moveaxis(totals, -1, 0)
    return (n * xy - x * y) / np.sqrt((n * xx - x**2) * (n * yy - y**2))


class TestError:
    def test_law_schools_published(self):
        """Efron (1982), "The Jackknife, the Bootstrap and Other Resampling Plans": the correlation of LSAT and GPA of
        15 law schools is 0.776, its jackknife standard error 0.142."""
        x = np.array([576, 635, 558, 578, 666, 580, 555, 661, 651, 605, 653, 575, 545, 572, 594], float)
        y = np.array([3.39, 3.30, 2.81, 3.03, 3.44, 3.07, 3.00, 3.43, 3.36, 3.13, 3.12, 2.74, 2.76, 2.88, 2.96])
        found = Jackknife.of([np.stack([np.ones(15), x, y, x * x, y * y, x * y], 1)], correlation)
        assert (found.value, found.error) == (pytest.approx(0.776, abs=5e-4), pytest.approx(0.142, abs=6e-4))

    def test_of_a_mean_it_is_the_standard_error(self):
        values = np.random.default_rng(0).random(40)
        found = Jackknife.of([of(values)], share)
        assert found.error == pytest.approx(stats.sem(values))
        assert found.units == 40

    def test_copies_of_items_in_their_cluster_say_nothing_new(self):
        values = np.random.default_rng(0).random(30)
        once = Jackknife.of([of(values)], share)
        thrice = Jackknife.of([of(np.repeat(values, 3))], share, np.repeat(range(30), 3).tolist())
        assert (thrice.error, thrice.freedom) == (pytest.approx(once.error), pytest.approx(once.freedom))

    def test_freedom_is_that_of_the_variance(self):
        """The variance of a sample variance is 2 / freedom of its square: checked by drawing."""
        rng = np.random.default_rng(0)
        for draw in (rng.standard_normal, rng.standard_exponential):
            variances = np.var(draw((20000, 30)), axis=1, ddof=1)
            true = 2 * variances.mean() ** 2 / variances.var()
            found = [Jackknife.of([of(draw(30))], share).freedom for _ in range(2000)]
            # Kurtosis of 30 items is seen too small, so that freedom is seen too large, never below its like.
            assert true * 0.8 < np.median(found) < min(true * 3, 30)

    @settings(deadline=None)
    @given(st.lists(st.floats(0, 1, width=16), min_size=2, max_size=30))
    def test_freedom_lies_between_one_and_all_but_one(self, values):
        found = Jackknife.of([of(values)], share)
        assert 1 <= found.freedom <= len(values) - 1
        assert found.error >= 0

    def test_what_one_document_alone_has_is_known_from_that_one_only(self):
        """A class of two items, both in the first of 30 documents: half of it right says nothing of other documents."""
        rows = np.concatenate([[[1.0, 1.0], [0.0, 1.0]], np.zeros((298, 2))])
        documents = np.repeat(range(30), 10).tolist()
        assert math.isnan(Jackknife.of([rows], share, documents).error)
        assert math.isnan(jackknife.difference(rows, rows * [0, 1], share, UNIT, clusters=documents).low)


class TestBounded:
    @settings(deadline=None)
    @given(
        st.lists(st.floats(0, 1, width=16), min_size=2, max_size=40), st.sampled_from([UNIT, (-1.0, 1.0), (0.0, 9.0)])
    )
    def test_holds_the_score_and_stays_between_the_ends(self, values, ends):
        low, high = ends
        found = jackknife.bounded(of(np.array(values) * (high - low) + low), share, ends)
        slack = 1e-9 * (high - low)
        assert low - slack <= found.low <= found.value + slack
        assert found.value - slack <= found.high <= high + slack

    def test_turned_round_it_is_the_same(self):
        values = np.random.default_rng(1).beta(8, 2, 50)
        one, other = (jackknife.bounded(of(each), share, UNIT) for each in (values, 1 - values))
        assert (one.low, one.high) == (pytest.approx(1 - other.high), pytest.approx(1 - other.low))

    def test_of_a_share_in_the_middle_it_is_near_wilsons(self):
        hits = np.repeat([1.0, 0.0], [170, 130])
        found, wilson = jackknife.bounded(of(hits), share, UNIT), intervals.wilson(170, 300)
        assert (found.low, found.high) == (pytest.approx(wilson.low, abs=2e-3), pytest.approx(wilson.high, abs=2e-3))

    @pytest.mark.parametrize("value", [0.0, 1.0, 0.4])
    def test_where_no_unit_moves_it_it_is_wilsons_of_as_many_units(self, value):
        found = jackknife.bounded(of(np.full(60, value)), share, UNIT, np.repeat(range(15), 4).tolist())
        assert (found.low, found.high) == pytest.approx(
            (intervals.wilson(15 * value, 15).low, intervals.wilson(15 * value, 15).high)
        )

    def test_in_percent_it_is_a_hundred_times_as_much(self):
        values = np.random.default_rng(2).random(30)
        one, other = (
            jackknife.bounded(of(values), share, UNIT),
            jackknife.bounded(of(100 * values), share, (0.0, 100.0)),
        )
        assert (other.low, other.high) == (pytest.approx(100 * one.low), pytest.approx(100 * one.high))

    def test_without_an_upper_end_it_is_symmetric_in_the_logarithm(self):
        values = np.random.default_rng(3).exponential(2.0, 50)
        found = jackknife.bounded(of(values), share, (0.0, math.inf))
        assert 0 < found.low < found.value < found.high
        assert found.low * found.high == pytest.approx(found.value**2)
        assert math.isnan(jackknife.bounded(of(np.zeros(9)), share, (0.0, math.inf)).low)

    def test_units_without_a_score_of_their_own_do_not_count_at_an_end(self):
        """Three documents of 30 have items of a class, all right."""
        rows = np.zeros((300, 2))
        rows[[0, 10, 20]] = 1
        found = jackknife.bounded(rows, share, UNIT, np.repeat(range(30), 10).tolist())
        assert (found.low, found.high) == pytest.approx((intervals.wilson(3, 3).low, 1))

    @pytest.mark.parametrize("value", [0.1, 0.3, 2 / 3, 0.7])
    def test_rounding_moves_nothing(self, value):
        names = np.repeat(range(8), [1, 2, 3, 4, 5, 10, 15, 20]).tolist()
        found, wilson = jackknife.bounded(of(np.full(60, value)), share, UNIT, names), intervals.wilson(8 * value, 8)
        assert (found.low, found.high) == (pytest.approx(wilson.low), pytest.approx(wilson.high))

    def test_near_an_end_with_one_unit_that_counts_it_stays_finite(self):
        values = np.ones(30)
        values[0] = 1 - 1e-9
        found = jackknife.bounded(of(values), share, UNIT)
        assert 0 <= found.low <= found.value <= found.high <= 1

    def test_too_few_say_nothing(self):
        assert math.isnan(jackknife.bounded(of([0.5]), share, UNIT).low)
        assert math.isnan(jackknife.bounded(of([0.5, 0.6]), share, UNIT, ["a", "a"]).high)
        assert math.isnan(jackknife.difference(of([0.5]), of([0.4]), share, UNIT).low)

    def test_a_score_beyond_its_ends_is_told(self):
        with pytest.raises(InputError, match=r"a metric gives 4, beyond its ends 0 and 1. Set its `ends`."):
            jackknife.bounded(of([3.0, 5.0]), share, UNIT)
        rounded = jackknife.bounded(of([1 + 1e-12, 1 + 1e-12]), share, UNIT)
        assert rounded.high == 1


class TestDifference:
    def test_of_means_it_is_the_paired_t_test(self):
        half = np.random.default_rng(0).standard_normal((2, 25))
        a, b = np.concatenate([half, -half], axis=1)  # nothing is skewed
        found = jackknife.difference(of(a), of(b), share, WIDE)
        error, freedom = stats.sem(a - b), Jackknife.of([of(a), of(b)], share).freedom
        assert (found.low, found.high) == pytest.approx(stats.t.interval(0.95, freedom, (a - b).mean(), error))

    def test_a_few_great_losses_put_the_lower_bound_farther_off(self):
        """By Hall's cubic, t + a t^2 / 3 + a^2 t^3 / 27 + a / 6 with a = skewness / sqrt(n), which is Student's t."""
        gaps = np.repeat([0.02, -0.5], [57, 3])
        found = jackknife.difference(of(gaps), of(np.zeros(60)), share, WIDE)
        made = Jackknife.of([of(gaps), of(np.zeros(60))], share)
        t, a = made.quantile(0.95), stats.skew(gaps) / math.sqrt(60)
        down = (found.value - found.low) / made.error
        assert down + a * down**2 / 3 + a**2 * down**3 / 27 + a / 6 == pytest.approx(t)
        assert down > t
        assert (found.high - found.value) / made.error == pytest.approx(t)  # the corrected one would be nearer

    def test_no_farther_than_scores_can_lie_apart(self):
        a, b = np.array([1.0, 1.0, 0.0, 1.0]), np.array([0.0, 1.0, 0.0, 0.0])
        found = jackknife.difference(of(a), of(b), share, UNIT)
        assert found.high == 1

    def test_alike_is_no_certainty_where_items_are_right_or_wrong(self):
        rows = of(np.repeat([1.0, 0.0], [40, 20]))
        sure = jackknife.difference(rows, rows, share, UNIT)
        assert (sure.low, sure.high) == (0, 0)
        honest = jackknife.difference(rows, rows, share, UNIT, np.array([[1.0, 1.0], [0.0, 1.0]]))
        # One more item that only one side has right moves the difference by 1 / 61, and half a one stands on each side.
        half = stats.t.ppf(0.975, 59) / 61
        assert (honest.low, honest.high) == pytest.approx((-half, half))

    def test_turned_round_it_is_the_same(self):
        rng = np.random.default_rng(1)
        a, b = of(rng.random(40)), of(rng.random(40))
        one, other = jackknife.difference(a, b, share, UNIT), jackknife.difference(b, a, share, UNIT)
        assert (one.low, one.high) == (pytest.approx(-other.high), pytest.approx(-other.low))


class TestClusteredShares:
    def test_single_items_are_tangos_interval_with_students_t(self):
        a, b = np.repeat([1, 1, 0], [30, 10, 60]), np.repeat([1, 0, 0, 1], [30, 10, 55, 5])
        found = paired.clustered(a, b, range(100))
        z, t = stats.norm.ppf(0.975), stats.t.ppf(0.975, 99)
        # The effect is 100 / 99, the two variances' denominators.
        factor = 100 / 99 * (t / z) ** 2
        plain = paired.proportions(10 / factor, 5 / factor, 100 / factor)
        assert (found.low, found.high) == (pytest.approx(plain.low), pytest.approx(plain.high))

    def test_copies_say_nothing_new(self):
        rng = np.random.default_rng(0)
        a, b = rng.integers(2, size=(2, 50))
        once = paired.clustered(a, b, range(50))
        thrice = paired.clustered(np.repeat(a, 3), np.repeat(b, 3), np.repeat(range(50), 3).tolist())
        assert (thrice.low, thrice.high) == (pytest.approx(once.low), pytest.approx(once.high))

    def test_never_narrower_than_of_single_items(self):
        """Documents in which one gain meets one loss would seem to know the difference exactly."""
        a, b = np.tile([1, 0], 20), np.tile([0, 1], 20)
        found = paired.clustered(a, b, np.repeat(range(20), 2).tolist())
        alone = paired.proportions(20, 20, 40)
        assert found.low <= alone.low
        assert found.high >= alone.high

    def test_alike_counts_as_many_items_as_there_are_documents(self):
        hits = np.ones(60)
        found = paired.clustered(hits, hits, np.repeat(range(15), 4).tolist())
        few = paired.proportions(0, 0, 15)
        assert found.low < few.low < 0 < few.high < found.high
        assert math.isnan(paired.clustered(hits, hits, [0] * 60).low)
        assert math.isnan(paired.clustered(hits[:0], hits[:0], []).value)

    def test_one_loss_is_not_surer_than_none(self):
        """15 documents of 20: where one item of all differs, nobody knows how documents differ."""
        old = np.ones(300)
        new = np.where(np.arange(300) == 0, 0.0, 1.0)
        found = paired.clustered(new, old, np.repeat(range(15), 20).tolist(), 0.9)
        assert found.low < -0.05
