"""Statistics against scipy, statsmodels, published worked examples, and themselves."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as reference
from statsmodels.stats import contingency_tables, multitest, proportion

from harness.errors import InputError
from harness.metrics import divide
from harness.stats import intervals, multiple, paired, power, sequential
from harness.stats.resample import Prior, Sample, by_cluster


def share(totals):
    return totals[..., 0] / totals[..., 1]


def hits(*counts):
    """(n, 2) rows of accuracy: counts of 1, then of 0."""
    right, wrong = counts
    return np.array([[1.0, 1.0]] * right + [[0.0, 1.0]] * wrong)


class TestProportions:
    @pytest.mark.parametrize(
        # Newcombe (1998), Statistics in Medicine 17, 857-872, table I, method 3 (score, no continuity correction).
        ("s", "n", "low", "high"),
        [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
    )
    def test_wilson_published(self, s, n, low, high):
        found = intervals.wilson(s, n)
        assert (found.low, found.high) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))

    @given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
    def test_wilson_and_beta_as_the_references_have_them(self, drawn):
        s, n = drawn
        found = intervals.wilson(s, n)
        assert (found.low, found.high) == pytest.approx(proportion.proportion_confint(s, n, method="wilson"), abs=1e-9)
        found = intervals.beta(s, n)
        assert (found.low, found.high) == pytest.approx(reference.beta(1 + s, 1 + n - s).interval(0.95))

    def test_unknown_is_not_zero(self):
        assert math.isnan(intervals.wilson(0, 0).low)
        assert math.isnan(intervals.beta(0, 0).high)
        assert math.isnan(paired.proportions(0, 0, 0).value)


class TestPaired:
    # Bentur et al. (2009), airway hyper-responsiveness before and after transplantation in 21 children: 1 and 7
    # discordant; the intervals of Fagerland, Lydersen and Laake (2014), Statistics in Medicine 33, table III.
    def test_airways_published(self):
        found = paired.proportions(1, 7, 21)
        assert found.value == pytest.approx(-0.286, abs=5e-4)
        assert (found.low, found.high) == (pytest.approx(-0.517, abs=5e-4), pytest.approx(-0.026, abs=5e-4))
        a = np.array([1.0] * 1 + [0.0] * 7 + [1.0] * 13)
        b = np.array([0.0] * 1 + [1.0] * 7 + [1.0] * 13)
        assert paired.discordance(a, b).p == pytest.approx(0.0703, abs=5e-5)

    @given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 200))
    def test_mcnemar_as_statsmodels_has_it(self, b, c, same):
        found = paired.Discordance(b, c, b + c + same)
        expected = contingency_tables.mcnemar([[same, b], [c, 0]], exact=True).pvalue if b + c else 1.0
        assert found.p == pytest.approx(expected)

    @given(st.integers(0, 40), st.integers(0, 40), st.integers(1, 200))
    def test_scores_interval_holds_the_value_and_mirrors(self, b, c, same):
        n = b + c + same
        one, other = paired.proportions(b, c, n), paired.proportions(c, b, n)
        assert -1 <= one.low <= one.value <= one.high <= 1
        assert (one.low, one.high) == (pytest.approx(-other.high, abs=1e-7), pytest.approx(-other.low, abs=1e-7))
        z = reference.norm.ppf(0.975)
        if one.low > -1:  # the bound is where the statistic is at its quantile
            assert float(paired.tango_z(b, c, n, one.low)) == pytest.approx(z, abs=1e-4)

    def test_effect_size(self):
        assert paired.Discordance(6, 2, 50).odds_ratio == 3
        assert paired.Discordance(6, 2, 50).share == 0.16
        assert paired.Discordance(3, 0, 5).odds_ratio == math.inf
        assert math.isnan(paired.Discordance(0, 0, 5).odds_ratio)

    def test_randomization_is_mcnemar_for_a_mean(self):
        a, b = np.array([1.0] * 14 + [0] * 4 + [1] * 40), np.array([0.0] * 14 + [1] * 4 + [1] * 40)
        rows = [np.stack([x, np.ones(len(x))], 1) for x in (a, b)]
        p = paired.randomization(*rows, share, np.random.default_rng(0), resamples=40000)
        assert p == pytest.approx(paired.discordance(a, b).p, abs=0.004)
        assert paired.randomization(rows[0], rows[0], share, np.random.default_rng(0)) == 1


def test_what_is_undefined_has_no_p_and_no_number_of_items():
    nothing = np.zeros((20, 2))
    rng = np.random.default_rng(0)
    assert math.isnan(paired.randomization(nothing, nothing, lambda t: divide(t[..., 0], t[..., 1]), rng))
    assert power.items_needed_for(100, math.nan, 0.02) is None
    assert [table.shape for table in by_cluster([nothing[:0]], [])] == [(0, 2)]


class TestBootstrap:
    # Efron and Tibshirani (1993), An Introduction to the Bootstrap, table 3.1: LSAT and GPA of 15 law schools.
    LSAT = (576, 635, 558, 578, 666, 580, 555, 661, 651, 605, 653, 575, 545, 572, 594)
    GPA = (3.39, 3.30, 2.81, 3.03, 3.44, 3.07, 3.00, 3.43, 3.36, 3.13, 3.12, 2.74, 2.76, 2.88, 2.96)

    @staticmethod
    def correlation(totals):
        n, x, y, xx, yy, xy = np.moveaxis(totals, -1, 0)
        return (n * xy - x * y) / np.sqrt((n * xx - x**2) * (n * yy - y**2))

    def test_law_schools_as_scipy_has_them(self):
        x, y = np.array(self.LSAT, float), np.array(self.GPA)
        x = x - x.mean()
        rows = np.stack([np.ones(15), x, y, x * x, y * y, x * y], axis=1)
        found = intervals.bootstrap([rows], self.correlation, np.random.default_rng(0), resamples=40000)
        assert found.value == pytest.approx(0.776, abs=5e-4)  # the book's estimate
        expected = reference.bootstrap(
            (x, y),
            lambda a, b: reference.pearsonr(a, b)[0],
            paired=True,
            vectorized=False,
            method="percentile",
            n_resamples=20000,
            rng=np.random.default_rng(1),
        ).confidence_interval
        assert (found.low, found.high) == (
            pytest.approx(expected.low, abs=0.01),
            pytest.approx(expected.high, abs=0.005),
        )

    def test_with_pseudo_items_a_mean_is_the_beta_interval(self):
        prior = Prior(np.array([[1.0, 1.0], [0.0, 1.0]]), np.array([1.0, 1.0]))
        found = intervals.bootstrap([hits(170, 30)], share, np.random.default_rng(0), prior=prior, resamples=40000)
        expected = intervals.beta(170, 200)
        assert found.value == 0.85
        # The concentration n - 2 makes it a hundredth wider.
        assert (found.low, found.high) == (
            pytest.approx(expected.low, abs=2e-3),
            pytest.approx(expected.high, abs=2e-3),
        )

    def test_no_error_seen_is_no_certainty(self):
        prior = Prior(np.array([[1.0, 1.0], [0.0, 1.0]]), np.array([1.0, 1.0]))
        sure = intervals.bootstrap([hits(50, 0)], share, np.random.default_rng(0))
        assert (sure.low, sure.high) == (1, 1)
        honest = intervals.bootstrap([hits(50, 0)], share, np.random.default_rng(0), prior=prior)
        assert honest.low < 0.95
        assert honest.high == 1

    def test_paired_is_narrower_than_single(self):
        rng = np.random.default_rng(0)
        a = (rng.random(300) < 0.6).astype(float)
        b = np.where(rng.random(300) < 0.95, a, 1 - a)
        rows = [np.stack([x, np.ones(300)], axis=1) for x in (a, b)]
        gap = intervals.bootstrap([rows[0]], share, np.random.default_rng(1), against=[rows[1]])
        alone = intervals.wilson(a.sum(), 300)
        assert gap.value == pytest.approx(a.mean() - b.mean())
        assert gap.high - gap.low < 0.6 * (alone.high - alone.low)

    def test_seeds_widen_by_the_variance_between_them(self):
        rng = np.random.default_rng(0)
        levels = (0.5, 0.6, 0.7, 0.8)
        runs = [np.stack([(rng.random(4000) < level).astype(float), np.ones(4000)], 1) for level in levels]
        found = intervals.bootstrap(runs, share, np.random.default_rng(1), resamples=20000)
        means = [run[:, 0].mean() for run in runs]
        items = sum(m * (1 - m) for m in means) / 16 / 4000
        deviation = math.sqrt(np.var(means, ddof=1) / 4 + items)
        assert found.value == pytest.approx(np.mean(means))
        # A mean of four drawn seeds is not quite normal: within a tenth.
        assert (found.high - found.low) / 2 == pytest.approx(1.96 * deviation, rel=0.1)

    def test_clusters_are_drawn_whole(self):
        rng = np.random.default_rng(0)
        levels = rng.random(40)
        rows = np.repeat(np.stack([(levels < 0.5).astype(float), np.ones(40)], 1), 10, axis=0)
        names = np.repeat(range(40), 10)
        whole = intervals.bootstrap([rows], share, np.random.default_rng(1), clusters=list(names))
        naive = intervals.bootstrap([rows], share, np.random.default_rng(1))
        assert (whole.high - whole.low) / (naive.high - naive.low) == pytest.approx(math.sqrt(10), rel=0.1)

    def test_too_few_say_nothing_and_other_items_are_refused(self):
        assert math.isnan(intervals.bootstrap([hits(1, 0)], share, np.random.default_rng(0)).low)
        with pytest.raises(InputError, match="the same items"):
            intervals.bootstrap([hits(3, 2)], share, np.random.default_rng(0), against=[hits(3, 3)])


class TestSample:
    @settings(deadline=None)
    @given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), min_size=2, max_size=40))
    def test_groups_hold_all_items(self, rows):
        table = np.array(rows, float)
        sample = Sample([table[:, :1], table[:, 1:]])
        assert sample.n == len(rows)
        assert len(sample.rows) == len(set(rows))
        np.testing.assert_allclose(np.concatenate(sample.totals()), table.sum(0))
        left, counts = sample.without_one()
        assert counts.sum() == len(rows)
        np.testing.assert_allclose(np.concatenate(left, axis=1), table.sum(0) - sample.rows)

    def test_draws_are_those_of_items(self):
        rng = np.random.default_rng(0)
        table = rng.integers(0, 3, size=(30, 2)).astype(float)
        (drawn,) = zip(*Sample([table]).draws(rng, 20000), strict=True)
        drawn = np.concatenate(drawn)
        naive = np.array([table[rng.integers(30, size=30)].sum(0) for _ in range(20000)])
        np.testing.assert_allclose(drawn.mean(0), naive.mean(0), atol=0.15)
        np.testing.assert_allclose(np.cov(drawn.T), np.cov(naive.T), atol=0.8)

    @given(st.lists(st.tuples(st.sampled_from("xyz"), st.integers(0, 9)), min_size=1))
    def test_clusters_sum(self, items):
        names, values = zip(*items, strict=True)
        (sums,) = by_cluster([np.array(values, float)[:, None]], names)
        expected = {name: sum(v for n, v in items if n == name) for name in dict.fromkeys(names)}
        assert sums[:, 0].tolist() == list(expected.values())


class TestMultiple:
    @given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
    def test_as_statsmodels_has_them(self, ps):
        for mine, theirs in (("holm", "holm"), ("bh", "fdr_bh")):
            assert multiple.adjust(ps, mine) == pytest.approx(multitest.multipletests(ps, method=theirs)[1].tolist())
        assert multiple.adjust(ps, "none") == ps

    def test_unknown_stays_unknown_and_does_not_count(self):
        found = multiple.adjust([0.01, math.nan, 0.03])
        assert found[0] == pytest.approx(0.02)
        assert math.isnan(found[1])

    def test_unknown_correction(self):
        with pytest.raises(InputError, match="Did you mean 'holm'"):
            multiple.adjust([0.1], "hlom")


class TestPower:
    def test_detectable_difference_is_found_with_the_power_it_names(self):
        n, q = 300, 0.3
        d = power.minimum_detectable(n, q)
        rng = np.random.default_rng(0)
        counts = rng.multinomial(n, [(q + d) / 2, (q - d) / 2, 1 - q], size=2000)
        found = np.mean([paired.Discordance(b, c, n).p < 0.05 for b, c, _ in counts])
        assert found == pytest.approx(0.8, abs=0.05)  # the exact test is a little careful

    @pytest.mark.parametrize(
        ("n", "margin", "q", "d"), [(30, 0.2, 0.3, 0.0), (200, 0.05, 0.1, -0.02), (500, 0.05, 0.2, 0)]
    )
    def test_chance_to_pass_is_that_of_the_real_bound(self, n, margin, q, d):
        counts = np.random.default_rng(0).multinomial(n, [(q + d) / 2, (q - d) / 2, 1 - q], size=3000)
        passed = np.mean([paired.proportions(b, c, n, level=0.9).low > -margin for b, c, _ in counts])
        assert power.pass_probability(n, margin, q, d) == pytest.approx(passed, abs=0.025)

    @pytest.mark.parametrize(
        ("margin", "q", "d"), [(0.05, 0.2, 0.0), (0.02, 0.1, 0.0), (0.05, 0.3, 0.02), (0.1, 0.5, -0.03)]
    )
    def test_items_needed_are_enough_and_not_many_more(self, margin, q, d):
        n = power.items_needed(margin, q, d)
        assert power.pass_probability(n, margin, q, d) >= 0.8
        assert power.pass_probability(int(n * 0.93), margin, q, d) < 0.8

    def test_nothing_is_enough_at_the_margin(self):
        assert power.items_needed(0.05, 0.2, -0.05) is None
        assert power.items_needed_for(100, 0.05, 0.0) is None
        assert math.isnan(power.minimum_detectable(300, 0))

    def test_widths_shrink_with_the_root_of_n(self):
        # The half-width of 100 items is twice the room: four times the items at even odds, more for 80 %.
        assert power.items_needed_for(100, 0.04, 0.02, power=0.5) == 400
        assert power.items_needed_for(100, 0.04, 0.02) > 800


def gaps(better, equal, worse):
    """Items worth +1, 0 and -1, so many of each."""
    return np.repeat([1.0, 0.0, -1.0], [round(better), round(equal), round(worse)])


class TestSequential:
    @settings(deadline=None)
    @given(st.integers(0, 200), st.integers(0, 200), st.integers(0, 200))
    def test_bounds_hold_the_mean_and_mirror(self, better, equal, worse):
        n = better + equal + worse
        low, high = sequential.lower(gaps(better, equal, worse)), sequential.upper(gaps(better, equal, worse))
        mean = (better - worse) / n if n else 0.0
        assert -1 <= low <= mean <= high <= 1
        assert sequential.lower(gaps(worse, equal, better)) == pytest.approx(-high)
        assert sequential.lower(gaps(better, equal, worse), alpha=0.01) <= low

    def test_more_of_the_same_is_surer(self):
        lows = [sequential.lower(gaps(20 * k, 70 * k, 10 * k)) for k in (1, 2, 4, 8)]
        assert lows == sorted(lows)
        assert lows[-1] < 0.1

    def test_items_needed_are_where_the_bound_gets_there(self):
        n = sequential.items_needed(0.1, 0.0, 0.05)
        assert sequential.lower(gaps(0.05 * n, 0.9 * n, 0.05 * n)) >= -0.05
        assert sequential.lower(gaps(0.05 * 0.97 * n, 0.9 * 0.97 * n, 0.05 * 0.97 * n)) < -0.05
        assert sequential.items_needed(0.1, -0.05, 0.05) is None
