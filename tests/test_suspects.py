"""Labels that may be wrong are found by what many rows say, and how well is measured."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from runs import baseline, run

from harness.compare.suspects import Voter, confident, source, suspects, thresholds
from harness.kinds.classification import Classification
from harness.kinds.entities import Entities
from harness.kinds.exact import Exact
from harness.types import Example

LABELS = ("a", "b", "c")
KIND = Classification(labels=list(LABELS))


def voter(truth, share, seed, source, stated=True):
    """Right on a ``share`` of the items, and as sure as that is worth."""
    draws = np.random.default_rng(seed)
    k = len(LABELS)
    right = draws.random(len(truth)) < share
    said = np.where(right, truth, (truth + draws.integers(1, k, len(truth))) % k)
    sure = np.clip(draws.normal(np.where(right, 0.75, 0.5), 0.1), 1 / k + 0.01, 0.98)
    rows = np.repeat(((1 - sure) / (k - 1))[:, None], k, axis=1)
    rows[np.arange(len(truth)), said] = sure
    return Voter([LABELS[each] for each in said], rows if stated else None, source)


def planted(n=600, share=0.05, seed=0):
    """Items of which a share has a wrong label: the items, the truth, the places of the wrong ones."""
    draws = np.random.default_rng(seed)
    truth = draws.integers(0, 3, n)
    places = draws.choice(n, int(share * n), replace=False)
    given = truth.copy()
    given[places] = (given[places] + draws.integers(1, 3, len(places))) % 3
    return [Example(str(i), {}, LABELS[each]) for i, each in enumerate(given)], truth, set(places.tolist())


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("stated", [True, False])
def test_planted_errors_lead_the_list(seed, stated):
    examples, truth, wrong = planted(seed=seed)
    voters = [voter(truth, 0.8, 10 * seed + i, f"model {i}", stated) for i in range(5)]
    found = suspects(KIND, examples, voters)
    first = {each.place for each in found.items[: len(wrong)]}
    assert len(first & wrong) >= 0.8 * len(wrong)  # by chance, one in twenty
    for each in found.items:
        assert 0 < each.doubt <= 1
        assert each.said != examples[each.place].target
        assert all(voters[row].outputs[each.place] == each.said for row in each.rows)
    assert found.items[0].said == LABELS[truth[found.items[0].place]]
    # What is measured by planting more is what the list is worth.
    assert found.planted == 30
    assert found.once >= 0.35
    assert found.once <= found.twice <= 1
    assert "30 of the 600 labels are changed on purpose (120 over 4 times)" in found.words
    assert f"{100 * found.once:.0f} % of them are among the first 30 of the list" in found.words


def test_the_same_runs_give_the_same_list():
    examples, truth, _ = planted()
    voters = [voter(truth, 0.8, i, i) for i in range(3)]
    assert suspects(KIND, examples, voters) == suspects(KIND, examples, voters)


def test_copies_of_one_model_have_one_vote():
    examples, truth, wrong = planted(seed=4)
    good = [voter(truth, 0.85, i, f"good {i}") for i in range(3)]
    weak = voter(truth, 0.5, 9, "weak")
    copies = [replace(weak, source=name) for name in ("weak",) * 8]

    def hit(voters):
        return len({each.place for each in suspects(KIND, examples, voters).items[: len(wrong)]} & wrong)

    assert [each.place for each in suspects(KIND, examples, [*good, *copies]).items] == [
        each.place for each in suspects(KIND, examples, [*good, weak]).items
    ]
    crowd = [replace(weak, source=place) for place in range(8)]
    assert hit([*good, *copies]) > hit([*good, *crowd])


def test_a_row_that_answers_all_alike_has_no_vote():
    examples, truth, _ = planted(seed=5)
    good = [voter(truth, 0.8, i, i) for i in range(3)]
    stuck = Voter(["a"] * len(examples), np.tile([0.9, 0.05, 0.05], (len(examples), 1)), "stuck")
    alone, beside = suspects(KIND, examples, good), suspects(KIND, examples, [*good, stuck])
    assert [each.place for each in alone.items] == [each.place for each in beside.items]
    assert not suspects(KIND, examples, [stuck]).items


def test_thresholds_are_mean_probabilities_of_the_own_label():
    """Northcutt, Jiang and Chuang (2021), equations 1 and 2, by hand."""
    stated = np.array([[0.8, 0.1, 0.1], [0.6, 0.3, 0.1], [0.2, 0.7, 0.1], [0.45, 0.5, 0.05], [0.65, 0.2, 0.15]])
    given = np.array([0, 0, 1, 1, 1])
    bounds = thresholds(stated, given)
    assert bounds == pytest.approx([(0.8 + 0.6) / 2, (0.7 + 0.5 + 0.2) / 3, 1.0])
    # Of item 4 no label is likely enough; item 3 is over the threshold of its own label only.
    assert confident(stated, bounds).tolist() == [0, -1, 1, 1, -1]


def test_open_answers_are_judged_by_who_gives_the_same():
    draws = np.random.default_rng(0)
    truth = [f"t{i % 50}" for i in range(200)]
    examples = [Example(str(i), {}, f'["{text}"]') for i, text in enumerate(truth)]
    wrong = set(draws.choice(200, 12, replace=False).tolist())
    labelled = [replace(e, target='["oops"]') if i in wrong else e for i, e in enumerate(examples)]
    voters = [
        Voter([text if draws.random() < 0.8 else f"x{draws.integers(99)}" for text in truth], None, row)
        for row in range(4)
    ]
    found = suspects(Exact(), labelled, voters)
    first = [each.place for each in found.items[:12]]
    assert len(wrong.intersection(first)) >= 10
    assert found.items[0].said == truth[first[0]]


def test_no_list_where_answers_are_graded_or_too_few():
    examples, truth, _ = planted(n=5, share=0.2)
    assert suspects(KIND, examples, [voter(truth, 0.8, 0, 0)]) is None
    assert suspects(Entities(labels=["ORG"]), [Example(str(i), {}, "[]") for i in range(90)], []) is None


def test_variants_of_a_model_are_of_one_source():
    runs = [run(), run(calibration="batch"), run(seed=1, draw=1), run(template="chat"), baseline(), baseline("logreg")]
    assert [count for _, count in Counter(map(source, runs)).items()] == [4, 1, 1]
