"""The change of a quantile between two measurements of the same items."""

import numpy as np
import pytest

from harness.stats import quantile

DRAWS = 400


def draw(rng, n):
    """Times of requests, long-tailed; the second 10 % longer, on the whole."""
    base = rng.lognormal(0, 0.5, (n, 1))
    return base * rng.lognormal(0, 0.2, (n, 1)), 1.1 * base * rng.lognormal(0, 0.2, (n, 1))


def test_covers_the_true_change():
    rng = np.random.default_rng(0)
    spread = (0.5**2 + 0.2**2) ** 0.5
    true = 0.1 * np.exp(1.6448536 * spread)
    hits = 0
    for _ in range(DRAWS):
        old, new = draw(rng, 300)
        found = quantile.difference(new, old, 0.95, rng, level=0.9)
        hits += found.low <= true <= found.high
    assert hits / DRAWS == pytest.approx(0.9, abs=0.02 + 2 * (0.09 / DRAWS) ** 0.5)


def test_value_is_numpys_and_one_item_says_nothing():
    rng = np.random.default_rng(0)
    old, new = draw(rng, 50)
    found = quantile.difference(new, old, 0.95, rng)
    assert found.value == pytest.approx(np.quantile(new, 0.95) - np.quantile(old, 0.95))
    assert found.low <= found.value <= found.high
    assert np.isnan(quantile.difference(new[:1], old[:1], 0.95, rng).low)


def test_items_of_one_document_are_drawn_together():
    """Ten copies of an item say no more than it does."""
    rng = np.random.default_rng(0)
    old, new = draw(rng, 200)
    wide = quantile.difference(new, old, 0.5, np.random.default_rng(1))
    copies = [np.repeat(side, 10, axis=0) for side in (new, old)]
    same = quantile.difference(*copies, 0.5, np.random.default_rng(1), [i // 10 for i in range(2000)])
    narrow = quantile.difference(*copies, 0.5, np.random.default_rng(1))
    assert same.high - same.low > 2 * (narrow.high - narrow.low)
    assert same.high - same.low == pytest.approx(wide.high - wide.low, rel=0.5)
