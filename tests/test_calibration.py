"""Calibration against values worked out by hand, planted biases, and what must hold for any rows."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from harness import calibration
from harness.calibration.rows import NEVER, normalised
from harness.calibration.supervised import FEW
from harness.errors import InputError

every = pytest.mark.parametrize("name", calibration.CALIBRATIONS)
BIAS = np.array([4.0, 0.0, -3.0])
OFFSETS = [name for name in calibration.CALIBRATIONS if name != "supervised"]
offsets = pytest.mark.parametrize("name", OFFSETS)


def fitted(name, rows, targets=()):
    rows = np.asarray(rows, float)
    if name == "supervised" and not len(targets):
        targets = np.arange(len(rows)) % rows.shape[1]
    return calibration.create(name).fit(rows, targets)


def logs(*rows):
    return np.log(np.asarray(rows, float))


def draw(rows, random):
    """Labels with the probabilities that normalised rows state."""
    return (rows + random.gumbel(size=rows.shape)).argmax(axis=1)


def loss(rows, targets):
    return -rows[np.arange(len(targets)), targets].mean()


def rowsets(low=-30, high=0):
    return st.integers(1, 5).flatmap(
        lambda labels: st.tuples(
            *(
                arrays(float, st.tuples(st.integers(1, 8), st.just(labels)), elements=st.floats(low, high))
                for _ in range(2)
            )
        )
    )


class TestGolden:
    @offsets
    def test_one_row_is_divided_by(self, name):
        # 0.8 / 0.5 : 0.2 / 0.5 = 4 : 1 where the estimate is even; 0.8 / 0.8 : 0.2 / 0.2 = 1 : 1 where it is the row;
        # 0.8 / 0.9 : 0.2 / 0.1 = 0.889 : 2 = 4 : 9.
        row = logs([0.8, 0.2])
        for taken, expected in (([0.5, 0.5], [0.8, 0.2]), ([0.8, 0.2], [0.5, 0.5]), ([0.9, 0.1], [4 / 13, 9 / 13])):
            np.testing.assert_allclose(np.exp(fitted(name, logs(taken))(row)), [expected])

    @pytest.mark.parametrize("name", ["contextual", "domain", "batch"])
    def test_the_mean_of_probabilities(self, name):
        # Rows sum to one before they are averaged: (0.9, 0.1), (0.6, 0.4), (0.3, 0.7) give (0.6, 0.4), whatever the
        # mass that each puts on the labels. 0.5 / 0.6 : 0.5 / 0.4 = 2 : 3; and 0.6 / 0.6 : 0.4 / 0.4 = 1 : 1.
        rows = logs([0.9, 0.1], [0.06, 0.04], [0.003, 0.007])
        np.testing.assert_allclose(np.exp(fitted(name, rows)(logs([0.5, 0.5], [0.6, 0.4]))), [[0.4, 0.6], [0.5, 0.5]])

    def test_the_mean_of_log_probabilities(self):
        # Geometric means of (0.8, 0.2) and (0.2, 0.8): 0.4 and 0.4, so nothing changes. Of (0.9, 0.1) and (0.1, 0.9)
        # and (0.9, 0.1): 0.081 ** (1/3) and 0.009 ** (1/3), whose ratio is 9 ** (1/3) = 2.0801.
        np.testing.assert_allclose(
            np.exp(fitted("batch:log", logs([0.8, 0.2], [0.2, 0.8]))(logs([0.7, 0.3]))), [[0.7, 0.3]]
        )
        told = fitted("batch:log", logs([0.9, 0.1], [0.1, 0.9], [0.9, 0.1]))(logs([0.5, 0.5]))
        np.testing.assert_allclose(np.exp(told[0, 1] - told[0, 0]), 2.080083823)

    def test_three_labels_by_hand(self):
        # (0.5, 0.3, 0.2) / (0.7, 0.2, 0.1) = 5/7 : 3/2 : 2 = 10 : 21 : 28, of 59.
        told = fitted("pmi", logs([0.07, 0.02, 0.01]))(logs([0.5, 0.3, 0.2]))
        np.testing.assert_allclose(np.exp(told), [[10 / 59, 21 / 59, 28 / 59]])

    def test_one_labelled_item_moves_an_offset_by_what_the_penalty_allows(self):
        # One even row of label 0, penalty 10. By symmetry the offsets are b and -b with 10 b = 1 - p = 1 / (1 + r),
        # where r is the odds of label 0. The scales a0, a1 multiply log 0.5 = -0.6931 in both, and
        # 10 (1 / a0 - 1) = (p - 1) * -0.6931, 10 (1 / a1 - 1) = (1 - p) * -0.6931.
        found = fitted("supervised", logs([0.5, 0.5]), [0])
        assert found.penalty == FEW == 10
        told = np.exp(found(logs([0.5, 0.5])))[0]
        wrong = told[1]
        np.testing.assert_allclose(found.offset, [wrong / 10, -wrong / 10], rtol=1e-6)
        np.testing.assert_allclose(10 * (1 / found.scale - 1), np.array([wrong, -wrong]) * math.log(2), rtol=1e-6)
        assert 0.45 < wrong < 0.48

    def test_plain_scaling_is_scikit_learns(self):
        """Two labels and a penalty that hardly counts: logistic regression on the two log-probabilities."""
        from sklearn.linear_model import LogisticRegression

        from harness.calibration.supervised import _fitted

        random = np.random.default_rng(5)
        rows = normalised(2 * random.standard_normal((400, 2)))
        targets = draw(normalised(rows * [0.6, 1.4] + [0.8, 0]), random)
        ((scale, offset),) = _fitted(rows, targets, [1e-6])
        model = LogisticRegression(C=1e9, tol=1e-10, max_iter=10_000).fit(rows, targets)
        np.testing.assert_allclose([-scale[0], scale[1]], model.coef_[0], rtol=1e-3)
        np.testing.assert_allclose(offset[1] - offset[0], model.intercept_[0], rtol=1e-2)


class TestPublished:
    @offsets
    def test_the_only_row_it_saw_comes_out_uniform(self, name):
        row = logs([0.6, 0.25, 0.1, 0.05])
        np.testing.assert_allclose(np.exp(fitted(name, row)(row)), [[0.25] * 4])

    def test_a_batch_of_two_labels_comes_out_even(self):
        """The mean of p / mean p over the batch is 1 for each label; normalising each row leaves it near even."""
        rows = normalised(np.random.default_rng(0).standard_normal((50, 2)) + np.array([3, 0]))
        found = fitted("batch", rows)
        np.testing.assert_allclose(np.exp(rows - found.offset).mean(axis=0), [1, 1])
        assert np.exp(rows).mean(axis=0)[0] > 0.9
        assert abs(np.exp(found(rows)).mean(axis=0)[0] - 0.5) < 0.12

    def test_what_batch_log_has_taken_off_it_does_not_take_off_again(self):
        rows = np.random.default_rng(1).standard_normal((30, 3)) + BIAS
        once = fitted("batch:log", rows)(rows)
        np.testing.assert_allclose(fitted("batch:log", once)(once), once, atol=1e-9)

    @pytest.mark.parametrize("name", ["contextual", "pmi", "batch:log"])
    def test_a_planted_bias_is_fully_recovered(self, name):
        """A model that favours some labels by a constant is right as often as one that does not."""
        random = np.random.default_rng(3)
        fair = normalised(2 * random.standard_normal((500, 3)))
        targets, biased = draw(fair, random), normalised(fair + BIAS)
        half = random.standard_normal((20, 3))
        # What the fair model says of what is fitted on is even: of each, or on average.
        even = np.concatenate([half, -half]) if name == "batch:log" else np.zeros((3, 3))
        told = fitted(name, even + BIAS)(biased)
        assert (biased.argmax(1) == targets).mean() < 0.5
        assert (fair.argmax(1) == targets).mean() > 0.6
        np.testing.assert_allclose(told, fair, atol=1e-9)

    def test_batch_brings_a_biased_model_most_of_the_way_to_the_unbiased(self):
        random = np.random.default_rng(4)
        fair = normalised(2 * random.standard_normal((600, 3)))
        targets, biased = draw(fair, random), normalised(fair + BIAS / 2)
        told = fitted("batch", biased[:300])(biased[300:])
        stated = [(rows.argmax(1) == targets[300:]).mean() for rows in (biased[300:], told, fair[300:])]
        assert stated[2] > stated[0] + 0.1
        assert stated[1] > stated[2] - 0.03


class TestSupervised:
    scale, offset = np.array([0.4, 0.8, 1.5]), np.array([-1.0, 0.5, 0.5])

    def test_recovers_planted_scales_and_offsets(self):
        found = []
        for seed in range(6):
            random = np.random.default_rng(seed)
            rows = normalised(3 * random.standard_normal((2000, 3)))
            targets = draw(normalised(self.scale * rows + self.offset), random)
            made = fitted("supervised", rows, targets)
            found.append(np.concatenate([made.scale, made.offset - made.offset.mean()]))
        planted = np.concatenate([self.scale, self.offset - self.offset.mean()])
        np.testing.assert_allclose(found, [planted] * 6, atol=0.25)
        np.testing.assert_allclose(np.mean(found, axis=0), planted, atol=0.07)

    def test_little_data_brings_an_overconfident_biased_model_most_of_the_way(self):
        random = np.random.default_rng(1)
        stated = normalised(5 * random.standard_normal((1064, 3)) + BIAS)
        truth = normalised(0.4 * (stated - BIAS))
        targets = draw(truth, random)
        told = fitted("supervised", stated[:64], targets[:64])(stated[64:])
        losses = [loss(rows[64:], targets[64:]) for rows in (stated, truth)]
        assert losses[0] > losses[1] + 0.8
        assert loss(told, targets[64:]) < losses[1] + 0.15

    @pytest.mark.parametrize("labels", [2, 3, 10])
    @pytest.mark.parametrize("items", [1, 5, 20, 39, 40, 100])
    def test_loses_little_where_there_is_nothing_to_learn(self, labels, items):
        random = np.random.default_rng(labels * 1000 + items)
        lost = []
        for _ in range(8):
            rows = normalised(1.5 * random.standard_normal((items + 1000, labels)))
            targets = draw(rows, random)
            told = fitted("supervised", rows[:items], targets[:items])(rows[items:])
            lost.append(loss(told, targets[items:]) - loss(rows[items:], targets[items:]))
        assert np.mean(lost) < 0.07
        assert max(lost) < 0.15

    def test_the_fewer_items_the_nearer_to_the_identity(self):
        rows, away = logs([0.5, 0.3, 0.2]), []
        for items in (1, 2, 4):
            found = fitted("supervised", np.repeat(rows, items, axis=0), [2] * items)
            away.append(np.abs(np.concatenate([found.offset, found.scale - 1])).max())
        assert 0 < away[0] < away[1] < away[2] < 0.4

    @pytest.mark.parametrize("targets", [[0] * 12, [0] * 11 + [1], [0, 1] * 6, [2] * 2])
    def test_labels_without_items_stay_possible(self, targets):
        rows = np.random.default_rng(0).standard_normal((len(targets), 3))
        told = np.exp(fitted("supervised", rows, targets)(rows))
        assert told.min() > 0.005

    def test_what_the_model_thinks_impossible_teaches_nothing(self):
        random = np.random.default_rng(2)
        rows = normalised(random.standard_normal((60, 3)))
        targets = draw(rows, random)
        usual = fitted("supervised", rows, targets)
        odd = fitted("supervised", [*rows, [0, -1, -np.inf], [-np.inf] * 2 + [0]], [*targets, 2, 0])
        np.testing.assert_allclose(odd(rows), usual(rows), atol=1e-9)

    def test_folds_hold_their_share_of_each_label(self):
        from harness.calibration.supervised import FOLDS, _folds

        truth = np.random.default_rng(0).choice(4, size=203, p=[0.6, 0.3, 0.08, 0.02])
        counts = np.array([np.bincount(truth[_folds(truth) == fold], minlength=4) for fold in range(FOLDS)])
        assert (np.ptp(counts, axis=0) <= 1).all()
        assert np.ptp(counts.sum(axis=1)) <= 1


class TestAnyRows:
    @every
    @pytest.mark.parametrize("labels", [1, 2, 5])
    def test_a_uniform_model_stays_uniform(self, name, labels):
        rows = np.full((4 * labels, labels), -3.0)
        np.testing.assert_allclose(np.exp(fitted(name, rows)(rows)), 1 / labels, atol=1e-9)

    @offsets
    @settings(max_examples=60, deadline=None)
    @given(pair=rowsets())
    def test_an_even_estimate_changes_nothing(self, name, pair):
        rows, _ = pair
        told = fitted(name, np.full((3, rows.shape[1]), -2.5))(rows)
        np.testing.assert_allclose(told, normalised(rows), atol=1e-9)

    @every
    @settings(max_examples=30, deadline=None)
    @given(pair=rowsets(), data=st.data())
    def test_the_order_of_labels_does_not_matter(self, name, pair, data):
        seen, rows = pair
        new = data.draw(st.permutations(range(rows.shape[1])))
        targets = data.draw(st.lists(st.integers(0, rows.shape[1] - 1), min_size=len(seen), max_size=len(seen)))
        moved = fitted(name, seen[:, new], [new.index(target) for target in targets])(rows[:, new])
        np.testing.assert_allclose(moved, fitted(name, seen, targets)(rows)[:, new], atol=1e-6)

    def test_nor_does_it_where_a_penalty_is_chosen(self):
        random = np.random.default_rng(8)
        rows = normalised(random.standard_normal((90, 3)) + BIAS)
        targets, new = draw(normalised(rows - BIAS), random), [2, 0, 1]
        moved = fitted("supervised", rows[:, new], [new.index(target) for target in targets])
        usual = fitted("supervised", rows, targets)
        assert moved.penalty == usual.penalty
        np.testing.assert_allclose(moved.offset, usual.offset[new], atol=1e-9)

    @every
    @settings(max_examples=30, deadline=None)
    @given(pair=rowsets(), data=st.data())
    def test_the_order_of_the_fitted_rows_does_not_show_in_the_last_digit(self, name, pair, data):
        seen, rows = pair
        targets = np.arange(len(seen)) % rows.shape[1]
        if name == "supervised":  # equal rows with other targets have no order of their own
            assume(len(np.unique(np.sort(normalised(seen), axis=1), axis=0)) == len(seen))
        new = data.draw(st.permutations(range(len(seen))))
        assert (fitted(name, seen, targets)(rows) == fitted(name, seen[new], targets[new])(rows)).all()

    @every
    @settings(max_examples=60, deadline=None)
    @given(pair=rowsets(-800, 20))
    def test_finite_in_finite_out_and_normalised(self, name, pair):
        told = fitted(name, pair[0])(pair[1])
        assert np.isfinite(told).all()
        assert (told <= 1e-12).all()
        np.testing.assert_allclose(np.exp(told).sum(axis=1), 1)

    @every
    @settings(max_examples=60, deadline=None)
    @given(pair=rowsets(), levels=arrays(float, 8, elements=st.floats(-20, 20)))
    def test_a_constant_added_to_a_row_changes_nothing(self, name, pair, levels):
        seen, rows = pair
        told = fitted(name, seen + levels[: len(seen), None])(rows + levels[::-1][: len(rows), None])
        np.testing.assert_allclose(told, fitted(name, seen)(rows), atol=1e-6)

    @pytest.mark.parametrize("name", ["pmi", "batch:log"])
    @settings(max_examples=60, deadline=None)
    @given(pair=rowsets(), bias=arrays(float, 5, elements=st.floats(-9, 9)))
    def test_a_constant_added_to_a_label_changes_nothing(self, name, pair, bias):
        seen, rows = pair
        added = bias[: rows.shape[1]]
        seen = seen[:1] if name == "pmi" else seen
        told = fitted(name, seen + added)(rows + added)
        np.testing.assert_allclose(told, fitted(name, seen)(rows), atol=1e-9)

    @pytest.mark.parametrize("name", ["contextual", "domain", "batch"])
    @settings(max_examples=60, deadline=None)
    @given(row=arrays(float, (1, 4), elements=st.floats(-9, 0)), bias=arrays(float, 4, elements=st.floats(-9, 9)))
    def test_nor_does_it_for_means_of_probabilities_of_like_rows(self, name, row, bias):
        """The mean of several rows' probabilities takes a bias up only where they agree."""
        seen = np.repeat(row, 3, axis=0)
        told = fitted(name, seen + bias)(row / 2 + bias)
        np.testing.assert_allclose(told, fitted(name, seen)(row / 2), atol=1e-9)


class TestImpossible:
    @every
    @pytest.mark.parametrize("never", [-np.inf, -700.0, -9999.0])
    def test_what_is_never_said_is_no_answer(self, name, never):
        """Neither where the fitted rows think it impossible too (0 / 0) nor where they do not."""
        row = np.array([[-1.0, -2.0, never]])
        for seen in ([[-1.0, -1.0, never]] * 4, [[-1.0, -1.0, -5.0]] * 4, [[-1.0, -1.0, -500.0]] * 4):
            told = fitted(name, seen, [0, 1, 0, 1])(row)
            assert np.isfinite(told).all()
            assert told[0, 2] == NEVER
            np.testing.assert_allclose(np.exp(told[0, :2]), [1 / (1 + math.exp(-1)), 1 / (1 + math.e)], rtol=0.1)

    @offsets
    def test_no_label_wins_by_a_division_by_zero(self, name):
        told = fitted(name, [[-1.0, -1.0, -np.inf]])(np.array([[-1.0, -2.0, -30.0]]))
        assert told.argmax() == 0

    def test_one_impossible_row_of_many_does_not_move_the_mean_logarithm(self):
        rows = [[-1.0, -1.0]] * 9
        told = fitted("batch:log", [*rows, [-1.0, -np.inf]])(np.array([[-2.0, -2.0]]))
        assert abs(np.exp(told[0, 0]) - 0.5) < 0.02

    @every
    def test_a_row_that_says_nothing_is_even_before_it_is_mended(self, name):
        told = fitted(name, np.full((6, 3), -2.0))(np.full((1, 3), -np.inf))
        np.testing.assert_allclose(np.exp(told), [[1 / 3] * 3], atol=1e-9)

    @every
    @pytest.mark.parametrize("wrong", [np.nan, np.inf])
    def test_rows_that_are_no_numbers_are_refused_when_fitted_and_stay_so(self, name, wrong):
        with pytest.raises(InputError, match=f"'{name}': for 1 of the 2 inputs .* not numbers"):
            fitted(name, [[-1.0, wrong], [-1.0, -1.0]])
        told = fitted(name, [[-1.0, -1.0]])(np.array([[-1.0, wrong], [-1.0, -1.0]]))
        assert np.isnan(told).tolist() == [[True, True], [False, False]]

    @every
    def test_nothing_to_be_fitted_on_is_an_input_error(self, name):
        with pytest.raises(InputError, match=f"'{name}' has nothing to be fitted on"):
            calibration.create(name).fit(np.empty((0, 3)), [])

    @every
    def test_no_rows_are_mended_to_no_rows(self, name):
        assert fitted(name, [[-1.0, -1.0]])(np.empty((0, 2))).shape == (0, 2)


def test_unknown_names_name_the_nearest():
    with pytest.raises(InputError, match=r"unknown calibration 'batch:lgo'\. Did you mean 'batch:log'"):
        calibration.create("batch:lgo")
    with pytest.raises(InputError, match="Known: contextual, domain, batch"):
        calibration.create("none")


@every
def test_the_name_is_the_one_it_was_asked_by(name):
    assert calibration.create(name).name == name
