"""Orders and draws of demonstrations: what is planted is found with its size, and noise is not taken for spread."""

import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from planted import SURE, asked, copying, item, lines, notes, project, shown
from runs import LABELS, run

from harness.compare.spread import Spread
from harness.errors import InputError
from harness.probe import create, order
from harness.prompt.selectors import permutation
from harness.types import Prediction


@pytest.mark.parametrize("metric", ["accuracy", "macro-f1"])
def test_noise_is_not_taken_for_spread(metric):
    """Twelve equally good variants on 60 items, 200 times: alarms at the stated rate of 5 %, give or take what 200
    studies allow (two standard errors, 3 %)."""
    base, alarms = run("r", n=60), 0
    for seed in range(200):
        draw = np.random.default_rng(seed)
        hard = draw.beta(2, 1, size=60)
        made = [answered(base, draw.random(60) < hard) for _ in range(12)]
        alarms += Spread.of(made, metric).range.low > 0
    assert alarms <= 16


def answered(base, right):
    said = [
        Prediction(e.id, e.target if hit else LABELS[(LABELS.index(e.target) + 1) % 3])
        for e, hit in zip(base.examples, right, strict=True)
    ]
    return type(base)(**{**{f: getattr(base, f) for f in base.__slots__}, "predictions": tuple(said)})


def test_a_true_spread_is_in_its_interval():
    base, inside = run("r", n=200), 0
    for seed in range(60):
        draw = np.random.default_rng(seed)
        made = [answered(base, draw.random(200) < share) for share in np.linspace(0.5, 0.8, 6)]
        found = Spread.of(made, "accuracy").range
        inside += found.low <= 0.3 <= found.high
    assert inside >= 54


def test_a_model_that_repeats_the_last_demonstration_is_found_by_its_orders(home):
    project(home, cats=12)
    found = create("order", orders="2", draws="4").look(asked(home, copying))
    (spread,) = lines(found, "lowest to highest")
    assert (spread.before, spread.after) == (0.2, 0.8)
    assert spread.value.low > 0
    shares = {re.search(r"by ([\w ]+)", line.measure)[1]: line.value.value for line in lines(found, "deviation by")}
    assert shares["order within a draw"] + shares["order"] > 4 * shares["draw"]
    assert notes(found, "GlobalE of the orders is from 0.000 to 0.000")
    assert notes(found, "64 unlabelled train items") or notes(found, "unlabelled train items that no prompt shows")


def test_choosing_the_even_order_gains_what_is_planted(home):
    project(home, cats=12)

    def uneven(prompt):
        return ("cat", SURE) if shown(prompt)[-1] == "cat" else (item(prompt)[1], SURE)

    found = create("order", orders="2", draws="6").look(asked(home, uneven))
    (line,) = lines(found, "highest GlobalE")
    # Of the two orders of a draw one is always right, and one right on the cats, which are a fifth.
    assert (line.before, line.after) == (pytest.approx(0.6), pytest.approx(1.0))
    assert line.value.low > 0.3


def test_entropies_are_those_of_their_formulas():
    base = run("r", n=6)
    made = [Prediction(e.id, "good", label_logprobs=tuple(np.log([0.5, 0.25, 0.25]))) for e in base.examples]
    one = type(base)(**{**{f: getattr(base, f) for f in base.__slots__}, "predictions": tuple(made)})
    assert order.global_entropy(one) == 0
    assert order.local_entropy(one) == pytest.approx(1.5 * math.log(2))
    weights = order.chosen([0, 0, 1, 1], np.array([0.1, 0.9, 0.7, 0.2]))
    assert weights.tolist() == [[-0.5, 0.5, 0, 0], [0, 0, 0.5, -0.5]]


def test_draws_that_matter_are_found(home):
    project(home, cats=12)
    found = create("draw", draws="8").look(asked(home, copying, selectors=("random",), shots=(3,)))
    (spread,) = lines(found, "lowest to highest of 8 draws")
    assert (spread.before, spread.after) == (0.2, 0.8)
    with pytest.raises(InputError, match="draw nothing"):
        create("draw").look(asked(home, copying, selectors=("bm25",)))
    with pytest.raises(InputError, match="needs prompts with 2 demonstrations"):
        create("order").look(asked(home, copying, shots=(1,)))


@given(st.permutations(range(5)))
def test_an_order_is_any_permutation(places):
    assert permutation("-".join(map(str, places))) == tuple(places)
    assert permutation("-".join(map(str, places[:-1])) + "-7") == ()
