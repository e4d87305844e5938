"""The contract of every selector: purity, no leak, the number asked for; at any size of the pool."""

import pytest
from conftest import example
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import InputError
from harness.prompt.leak import Overlap
from harness.prompt.selectors import ORDERS, SELECTORS, Selection, create

WORDS = ["profit", "loss", "rose", "fell", "bank", "steel", "quarter", "quarter ", "now", "利好"]
pools = st.lists(
    st.tuples(st.lists(st.sampled_from(WORDS), min_size=1, max_size=8).map(" ".join), st.sampled_from("abc")),
    min_size=4,
    max_size=14,
).map(lambda rows: [example(i, text, label) for i, (text, label) in enumerate(rows)])
every_selector = pytest.mark.parametrize("name", SELECTORS)


def demos(name, pool, item, shots, order="ascending", seed=0):
    return Selection(
        create(name, **({"seed": seed} if name in ("random", "balanced") else {})), pool, shots, order, seed
    )(item)


def ids(found):
    return tuple(e.id for e in found.examples)


@every_selector
@settings(max_examples=40, deadline=None)
@given(pool=pools, order=st.sampled_from(ORDERS), seed=st.integers(0, 3), shots=st.integers(1, 4), data=st.data())
def test_never_leaks_and_is_pure(name, pool, order, seed, shots, data):
    """The pool is the test set itself: every item would meet itself."""
    overlap = Overlap(pool)
    shuffled = data.draw(st.permutations(pool))
    for item in pool:
        left = [e for i, e in enumerate(pool) if i not in overlap.barred(item)]
        if len(left) < shots:
            with pytest.raises(InputError, match="near-duplicates"):
                demos(name, pool, item, shots, order, seed)
            continue
        found = demos(name, pool, item, shots, order, seed)
        assert len(found.examples) == len({e.id for e in found.examples}) == shots
        assert all(e in left for e in found.examples)
        assert found == demos(name, shuffled, item, shots, order, seed)  # the pool is a set
        assert set(found.excluded) <= {e.id for e in pool} - {e.id for e in left}


@every_selector
def test_repr_pastes_back_and_unknown_parameters_raise(name):
    from harness.prompt.selectors import balanced, bm25, fixed, knn, random

    names = {k: v for module in (balanced, bm25, fixed, knn, random) for k, v in vars(module).items()}
    made = create(name)
    assert repr(eval(repr(made), names)) == repr(made)
    with pytest.raises(TypeError):
        create(name, colour="red")


POOL = [
    example(f"{i:02}", f"{word} number {i} of the {label} kind", label)
    for i, word in enumerate(WORDS)
    for label in "abc"
]
POOL = [example(f"{n:02}", e.inputs["text"], e.target) for n, e in enumerate(POOL)]
ITEMS = [example(f"t{i}", f"{a} {b} today") for i, (a, b) in enumerate(zip(WORDS, WORDS[3:], strict=False))]


@every_selector
@pytest.mark.parametrize("draw", ["shared", "per-item"])
def test_many_at_once_get_what_each_gets_alone(name, draw):
    params = {"draw": draw} if name in ("random", "balanced") else {}
    select = Selection(create(name, **params), POOL, 5, "ascending", 0)
    items = [*ITEMS, *POOL]  # of the pool too: these bar what stands nearest
    assert select.all(items) == [select(item) for item in items]
    assert any(found.excluded for found in select.all(items))


@pytest.mark.parametrize("name", ["random", "balanced", "fixed"])
def test_one_draw_is_shared_by_all_items(name):
    assert len({ids(demos(name, POOL, item, 5)) for item in ITEMS}) == 1


@pytest.mark.parametrize("name", ["random", "balanced"])
def test_seeds_and_per_item_draws_differ(name):
    drawn = {ids(demos(name, POOL, ITEMS[0], 5, seed=seed)) for seed in range(5)}
    assert len(drawn) == 5
    each = {ids(Selection(create(name, draw="per-item"), POOL, 5, "ascending", 0)(item)) for item in ITEMS}
    assert len(each) == len(ITEMS)


@pytest.mark.parametrize("name", ["balanced", "knn-balanced"])
@pytest.mark.parametrize("shots", [3, 5, 7])
def test_balanced_holds_each_label_alike(name, shots):
    for item in ITEMS:
        counts = [sum(e.target == label for e in demos(name, POOL, item, shots).examples) for label in "abc"]
        assert max(counts) - min(counts) <= 1


def test_an_item_of_the_draw_meets_the_next_of_its_label_instead_of_itself():
    usual = demos("balanced", POOL, ITEMS[0], 6).examples
    other = demos("balanced", POOL, usual[2], 6).examples
    assert usual[2] not in other
    assert sum(e in usual for e in other) == 5


@pytest.mark.parametrize("name", ["knn", "bm25"])
def test_nearest_stands_last_when_ascending(name):
    pool = [
        example(1, "the mine dug copper"),
        example(2, "the bank lost money on loans"),
        example(3, "a bank closed branches"),
    ]
    item = example("x", "the bank made money on loans")
    ascending = [e.id for e in demos(name, pool, item, 3).examples]
    assert ascending[-1] == "2"
    assert ascending == [e.id for e in demos(name, pool, item, 3, "as-is").examples][::-1]


def test_minilm_finds_meaning_without_shared_words():
    pool = [
        example(1, "The cat sleeps on the sofa"),
        example(2, "Shares of the lender tumbled"),
        example(3, "Rain is expected"),
    ]
    chosen = Selection(create("knn", embedder="minilm"), pool, 1, "ascending", 0)(example("x", "Bank stock plunges"))
    assert chosen.examples[0].id == "2"


def test_fixed_takes_the_ids_named_in_their_order():
    chosen = Selection(create("fixed", ids=["07", "03"]), POOL, 2, "as-is", 0)(ITEMS[0])
    assert [e.id for e in chosen.examples] == ["07", "03"]
    with pytest.raises(InputError, match="'999'"):
        Selection(create("fixed", ids=["999"]), POOL, 1, "as-is", 0)


def test_unknown_names_say_the_nearest():
    with pytest.raises(InputError, match="Did you mean 'balanced'"):
        create("balancd")
    with pytest.raises(InputError, match="Did you mean 'ascending'"):
        Selection(create("random"), POOL, 1, "ascendin", 0)
    with pytest.raises(InputError, match="Did you mean 'exact'"):
        create("knn", index="exat")
    with pytest.raises(InputError, match="has 30 examples"):
        Selection(create("random"), POOL, 31, "as-is", 0)
