"""The contract of every selector: purity, no leak, the number asked for; at any size of the pool."""

import importlib

import numpy as np
import pytest
from conftest import example
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import InputError
from harness.kinds.classification import Classification
from harness.predictors.linear import TfidfLogreg
from harness.prompt.leak import Overlap
from harness.prompt.selectors import ORDERS, SELECTORS, Selection, create, setbsr, votek
from harness.prompt.selectors.dpp import Dpp
from harness.prompt.selectors.mmr import Mmr
from harness.study.asking import Asking

WORDS = ["profit", "loss", "rose", "fell", "bank", "steel", "quarter", "quarter ", "now", "利好"]
pools = st.lists(
    st.tuples(st.lists(st.sampled_from(WORDS), min_size=1, max_size=8).map(" ".join), st.sampled_from("abc")),
    min_size=4,
    max_size=14,
).map(lambda rows: [example(i, text, label) for i, (text, label) in enumerate(rows)])
every_selector = pytest.mark.parametrize("name", SELECTORS)


KIND = Classification(labels=["a", "b", "c"])


def made(name, **params):
    return create(name, **({"learner": TfidfLogreg(KIND)} if name == "l2d" else {}), **params)


def selection(name, pool, shots, order="ascending", seed=0):
    return Selection(made(name, **({"seed": seed} if name in ("random", "balanced") else {})), pool, shots, order, seed)


def demos(name, pool, item, shots, order="ascending", seed=0):
    return selection(name, pool, shots, order, seed)(item)


def ids(found):
    return tuple(e.id for e in found.examples)


@every_selector
@settings(max_examples=40, deadline=None)
@given(pool=pools, order=st.sampled_from(ORDERS), seed=st.integers(0, 3), shots=st.integers(1, 4), data=st.data())
def test_never_leaks_and_is_pure(name, pool, order, seed, shots, data):
    """The pool is the test set itself: every item would meet itself."""
    overlap = Overlap(pool)
    select, again = (selection(name, each, shots, order, seed) for each in (pool, data.draw(st.permutations(pool))))
    for item in pool:
        left = [e for i, e in enumerate(pool) if i not in overlap.barred(item)]
        if len(left) < shots:
            with pytest.raises(InputError, match="near-duplicates"):
                select(item)
            continue
        found = select(item)
        assert len(found.examples) == len({e.id for e in found.examples}) == shots
        assert all(e in left for e in found.examples)
        assert found == again(item)  # the pool is a set
        assert set(found.excluded) <= {e.id for e in pool} - {e.id for e in left}


@every_selector
def test_repr_pastes_back_and_unknown_parameters_raise(name):
    names = vars(importlib.import_module(SELECTORS[name].partition(":")[0]))
    found = create(name)
    assert repr(eval(repr(found), names)) == repr(found)
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
    select = Selection(made(name, **params), POOL, 5, "ascending", 0)
    items = [*ITEMS, *POOL]  # of the pool too: these bar what stands nearest
    assert select.all(items) == [select(item) for item in items]
    assert any(found.excluded for found in select.all(items))


@pytest.mark.parametrize("name", ["random", "balanced", "fixed", "vote-k"])
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


def vectors(n, seed=0):
    """Unit vectors near one another, the item's similarity to each, and theirs to each other."""
    draws = np.random.default_rng(seed)
    rows = draws.standard_normal((n, 6)) + 2
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    item = draws.standard_normal(6) + 2
    relevance = rows @ (item / np.linalg.norm(item))
    order = np.argsort(-relevance)
    return relevance[order], (rows @ rows.T)[np.ix_(order, order)]


@pytest.mark.parametrize("seed", range(5))
def test_mmr_is_its_definition(seed):
    relevance, similarity = vectors(12, seed)
    chosen = [0]  # the nearest
    while len(chosen) < 5:
        rest = [i for i in range(12) if i not in chosen]
        chosen.append(max(rest, key=lambda i: 0.3 * relevance[i] - 0.7 * max(similarity[i][j] for j in chosen)))
    assert Mmr(weight=0.3).choose(relevance, similarity, 5) == chosen
    assert sorted(Mmr(weight=1.0).choose(relevance, similarity, 5)) == [0, 1, 2, 3, 4]  # the neighbours


@pytest.mark.parametrize("seed", range(5))
def test_dpp_adds_what_makes_the_determinant_largest(seed):
    relevance, similarity = vectors(12, seed)
    scale = np.exp(relevance / (2 * 0.5))
    kernel = scale[:, None] * similarity * scale[None]
    chosen = []
    while len(chosen) < 5:
        rest = [i for i in range(12) if i not in chosen]
        chosen.append(max(rest, key=lambda i: np.linalg.det(kernel[np.ix_([*chosen, i], [*chosen, i])])))
    assert Dpp(trade=0.5).choose(relevance, similarity, 5) == chosen


def test_dpp_goes_on_by_relevance_where_nothing_new_is_left():
    relevance, similarity = np.array([0.9, 0.9, 0.5, 0.4]), np.ones((4, 4))  # all the same
    assert Dpp().choose(relevance, similarity, 3) == [0, 1, 2]


@pytest.mark.parametrize("name", ["mmr", "dpp"])
def test_diverse_choices_pass_over_what_says_the_same(name):
    pool = [example(i, f"the bank lost money on loans {word}") for i, word in enumerate(("today", "now", "again"))]
    pool.append(example(9, "a bank made a profit in steel"))
    chosen = Selection(create(name, **({"weight": 0.3} if name == "mmr" else {"trade": 5.0})), pool, 2, "as-is", 0)
    assert "9" in {e.id for e in chosen(example("x", "the bank lost money, steel made a profit")).examples}


def test_vote_k_takes_one_of_each_cluster_and_counts_votes_as_its_paper_does(monkeypatch):
    monkeypatch.setattr(votek, "SHARE", 6)
    pool = [example(f"{t}{i}", f"{text} {i}") for t, text in enumerate(CLUSTERS) for i in range(6)]
    chosen = Selection(create("vote-k"), pool, 3, "as-is", 0)(example("x", "anything else"))
    assert {e.id[0] for e in chosen.examples} == {"0", "1", "2"}
    # The score of the second: votes for it, a tenth for each voter's neighbour that is chosen.
    select = create("vote-k").fit(tuple(pool))
    (ranking,) = select.ranks([example("x", "y")], [()], 2)
    first, second = next(ranking), next(ranking)
    near = [set(row.tolist()) for row in select._near]

    def score(u, taken):
        return sum(0.1 ** len(near[v] & taken) for v in range(18) if v not in taken and u in near[v])

    assert first == max(range(18), key=lambda u: (score(u, set()), -u))
    assert second == max((u for u in range(18) if u != first), key=lambda u: (score(u, {first}), -u))


CLUSTERS = ("the bank lost money on loans", "rain fell over the wide hills", "a cat sleeps on the red sofa")


def test_set_bsr_covers_what_one_neighbour_alone_does_not():
    pool = [
        example(1, "The lender's stock plunged"),
        example(2, "Shares of the bank tumbled"),
        example(3, "Heavy rain is expected in the north"),
    ]
    item = example("x", "Bank shares fell while rain flooded the north")
    chosen = Selection(create("set-bsr"), pool, 2, "ascending", 0)(item).examples
    assert {e.id for e in chosen} == {"2", "3"}


def test_set_bsr_is_bertscore_recall():
    """Of one demonstration: the mean over the item's tokens of the largest cosine (Zhang et al., 2020, equation 1)."""
    pool = tuple(example(i, text) for i, text in enumerate(("a b c", "profit rose", "steel mill burnt down", "")))
    select = create("set-bsr").fit(pool)
    item = example("x", "profits at the mill rose")
    rows = select._encoder.tokens([e.text for e in pool])
    (own,) = select._encoder.tokens([item.text])
    recall = [(own @ row.T).max(1).mean() if len(row) else 0.0 for row in rows]
    (ranking,) = select.ranks([item], [()], 1)
    assert next(ranking) == int(np.argmax(recall))
    assert recall[3] == 0.0
    chosen = setbsr._greedy(np.array([[0.9, 0.8, 0.1], [0.1, 0.2, 0.7]], np.float32), 2)
    assert chosen == {0, 2}  # 0.5, then 0.8 with the third, against 0.55 with the second


def test_l2d_finds_what_the_learner_takes_for_the_same():
    select = Selection(made("l2d"), SOUNDS, 4, "ascending", 0)
    chosen = select(example("x", "a loud bark was heard")).examples
    assert {e.target for e in chosen} == {"a"}


SOUNDS = [
    example(f"{i}{sound}", f"the {sound} came from the {place}", label)
    for i, place in enumerate(("garden", "shed", "roof", "car", "attic", "barn", "street", "field"))
    for sound, label in (("bark", "a"), ("meow", "b"))
]


def test_l2d_never_asks_a_model_that_has_seen_what_it_is_asked_about():
    seen = []

    class Watched(TfidfLogreg):
        def fit(self, train, dev=()):
            self.trained = {e.text for e in train}
            return super().fit(train, dev)

        def predict(self, examples):
            seen.extend(e.text for e in examples if e.text in self.trained)
            return super().predict(examples)

    select = Selection(create("l2d", learner=Watched(KIND)), SOUNDS, 2, "ascending", 0)
    select.all([*SOUNDS, example("copy", SOUNDS[3].text), example("new", "a bark again")])
    assert seen == []


def test_l2d_refuses_a_learner_that_states_no_probabilities(finsentiment):
    from harness.predictors.linear import TfidfSvm

    with pytest.raises(InputError, match="states none"):
        Selection(create("l2d", learner=TfidfSvm(KIND)), SOUNDS, 2, "ascending", 0)
    with pytest.raises(InputError, match="give it a learner"):
        Selection(create("l2d"), SOUNDS, 2, "ascending", 0)
    with pytest.raises(InputError, match="Did you mean 'finetune'"):
        Asking(learner="finetun").select_by("l2d", 0, finsentiment.kind)
    with pytest.raises(InputError, match="takes no model"):
        Asking(learner="tfidf-logreg:minilm").select_by("l2d", 0, finsentiment.kind)
    learner = Asking(learner="embedding:minilm").select_by("l2d", 3, finsentiment.kind).learner
    assert (learner.model, learner.seed) == ("minilm", 3)


@pytest.mark.parametrize("name", ["vote-k", "set-bsr"])
def test_what_cannot_hold_a_large_pool_says_what_can(name, monkeypatch):
    monkeypatch.setattr({"vote-k": votek, "set-bsr": setbsr}[name], "LARGE", 10)
    with pytest.raises(InputError, match="Use --selector knn, mmr or dpp"):
        Selection(create(name), POOL, 2, "ascending", 0)


@pytest.mark.parametrize(
    ("name", "params", "said"),
    [
        ("mmr", {"weight": 2.0}, "from 0 to 1"),
        ("dpp", {"trade": 0.0}, "from 0.01"),
        ("l2d", {"folds": 1}, "at least 2"),
        ("set-bsr", {"embedder": "lsa"}, "Use minilm"),
    ],
)
def test_parameters_that_make_no_sense_are_told(name, params, said):
    with pytest.raises(InputError, match=said):
        create(name, **params)
