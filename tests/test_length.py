"""How the log-probabilities of a word's tokens make one number, by hand."""

import math

import pytest

from harness.calibration import length
from harness.errors import InputError


class TestLength:
    logprobs = ((-1.0,), (-0.5, -0.7), (-2.0, -0.25, -0.25))
    texts = ("yes", "利好", "not at all")

    def test_by_hand(self):
        # 3, 6 and 10 bytes; 1, 2 and 3 tokens.
        assert length.row(self.logprobs, self.texts) == (-1.0, -1.2, -2.5)
        assert length.row(self.logprobs, self.texts, "tokens") == pytest.approx((-1.0, -0.6, -2.5 / 3))
        assert length.row(self.logprobs, self.texts, "bytes") == pytest.approx((-1 / 3, -0.2, -0.25))

    def test_sum_is_the_exact_sum(self):
        tokens = (-0.1,) * 10
        assert length.row((tokens,), ("x",)) == (-1.0,)

    def test_impossible_and_unknown_pass_through(self):
        for by in length.LENGTHS:
            low, none = length.row(((-math.inf, -1.0), (math.nan,)), ("ab", "c"), by)
            assert low == -math.inf
            assert math.isnan(none)

    def test_unknown_names_name_the_nearest(self):
        with pytest.raises(InputError, match=r"unknown normalization 'byte'\. Did you mean 'bytes'"):
            length.row(self.logprobs, self.texts, "byte")
