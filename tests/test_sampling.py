"""Data budgets: nested, stratified samples."""

from collections import Counter

import pytest
from conftest import example
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import InputError
from harness.kinds.classification import Classification
from harness.study import grid
from harness.task import budgets, definition

SHARES = st.dictionaries(st.sampled_from("abcd"), st.integers(1, 30), min_size=1)


KIND = Classification(labels=["a", "b"])


def pool(counts):
    return [example(f"{label}{i}", f"text {label} {i}", label) for label, n in counts.items() for i in range(n)]


@given(SHARES, st.integers(0, 3), st.data())
def test_samples_are_nested_stratified_and_do_not_depend_on_order(counts, seed, data):
    train = pool(counts)
    small = data.draw(st.integers(1, len(train)))
    large = data.draw(st.integers(small, len(train)))
    one, two = (budgets.sample(KIND, train, str(size), seed) for size in (small, large))
    assert len({e.id for e in one}) == small
    assert {e.id for e in one} <= {e.id for e in two}
    assert [e.id for e in one] == [e.id for e in budgets.sample(KIND, train[::-1], str(small), seed)]
    found = Counter(e.target for e in two)
    if large >= len(counts):
        assert set(found) == set(counts)
        for label, n in counts.items():
            # One of each comes first, so shares may be off by one for each label.
            assert abs(found[label] - large * n / len(train)) <= len(counts)


@given(SHARES, st.integers(0, 3))
def test_so_many_of_each(counts, seed):
    train, least = pool(counts), min(counts.values())
    found = budgets.sample(KIND, train, f"{least}/class", seed)
    assert Counter(e.target for e in found) == dict.fromkeys(counts, least)
    with pytest.raises(InputError, match=rf"has {least} training examples. Ask for at most {least}/class"):
        budgets.sample(KIND, train, f"{least + 1}/class", seed)


def test_seeds_draw_anew():
    train = pool({"a": 20, "b": 20})
    assert budgets.sample(KIND, train, "6", 0) != budgets.sample(KIND, train, "6", 1)
    assert budgets.sample(KIND, train, "full", 0) == tuple(train)


@pytest.mark.parametrize("size", ["0", "-3", "ten", "5/labels", "1.5", ""])
def test_other_forms_are_refused(size):
    with pytest.raises(InputError, match="give a number of examples"):
        budgets.check(size)


def test_too_many_are_refused():
    with pytest.raises(InputError, match="has 4 examples"):
        budgets.sample(KIND, pool({"a": 4}), "5", 0)


def test_shots_are_the_examples_that_the_prompts_show(project, tiny):
    pets = definition.load("pets")
    spec = grid.Spec(shots=(0, 3), selectors=("balanced",), baselines=("tfidf-logreg",), train_sizes=("shots",))
    planned = grid.plan(pets, spec, [tiny])
    baseline = next(p for p in planned if p.size)
    prompt = next(p for p in planned if not p.size and p.predictor.shots == 3)
    shown = prompt.predictor.fit(prompt.train).demos([example("new", "a strange noise")])[0].examples
    assert baseline.train == shown
    assert baseline.size == "3 shots (balanced)"


def test_shots_need_one_draw_for_all(project, tiny):
    pets = definition.load("pets")
    for params in ({"selectors": ("knn",)}, {"draw": "per-item"}):
        spec = grid.Spec(shots=(3,), baselines=("tfidf-logreg",), train_sizes=("shots",), **params)
        with pytest.raises(InputError, match="no one set"):
            grid.plan(pets, spec, [])
    spec = grid.Spec(shots=(0,), baselines=("tfidf-logreg",), train_sizes=("shots",))
    with pytest.raises(InputError, match="--shots asks for none"):
        grid.plan(pets, spec, [])
