"""Selection from large pools: the searches against their definition by brute force, and indexes kept on disk."""

import signal
import subprocess
import sys
from itertools import islice

import numpy as np
import pytest
from conftest import example
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import InputError
from harness.models import embed, lsa
from harness.models.embed import Embedder
from harness.prompt.leak import Overlap
from harness.prompt.selectors import Selection, balanced, bm25, create, knn, random
from harness.prompt.selectors.approximate import Approximate
from harness.prompt.selectors.exact import BLOCK, Exact
from harness.prompt.selectors.random import shuffled
from harness.prompt.selectors.top import descending, top
from harness.results.vault import Vault

PLACES = ["bank", "mine", "port", "farm", "mill", "yard", "shop", "dock", "kiln", "barn"]
DEEDS = ["sold copper", "lost its licence", "hired ten people", "burnt down", "paid a dividend", "moved north"]
TIMES = ["in spring", "last week", "on Monday", "before the war", "this quarter", "at noon", "in the rain"]
POOL = [
    example(f"{i:03}", f"the {place} {deed} {time}", "abc"[i % 3])
    for i, (place, deed, time) in enumerate((p, d, t) for p in PLACES for d in DEEDS for t in TIMES)
]
ITEMS = [
    example(f"t{i}", f"a {p} near the {q} {d}")
    for i, (p, q, d) in enumerate(zip(PLACES * 2, TIMES * 2, DEEDS * 2, strict=False))
]
indexed = pytest.mark.parametrize("name", ["knn", "knn-balanced", "bm25"])


def rows(n, d=16, seed=0, centres=40):
    """Unit vectors in clusters, some of them equal."""
    draws = np.random.default_rng(seed)
    made = draws.standard_normal((centres, d))[draws.integers(centres, size=n)] + 0.5 * draws.standard_normal((n, d))
    made[n // 2 :: 7] = made[: len(made[n // 2 :: 7])]
    return embed.unit(made)


@pytest.fixture
def small_is_large(monkeypatch):
    for module in (knn, bm25, random, balanced):
        monkeypatch.setattr(module, "LARGE", 100)


@given(st.lists(st.integers(0, 3), min_size=1, max_size=400), st.integers(1, 30))
def test_top_is_the_head_of_a_stable_sort(numbers, k):
    scores = np.array(numbers, dtype=np.float32)
    order = np.argsort(-scores, kind="stable").tolist()
    assert top(scores, k).tolist() == order[:k]
    assert list(descending(scores, k)) == order


class TestExact:
    matrix = rows(2 * BLOCK + 77)
    queries = np.concatenate([rows(60, seed=1), matrix[:3], np.zeros((1, 16), np.float32)])

    @pytest.mark.parametrize("part", [None, np.arange(5, 2 * BLOCK, 2), np.arange(40)])
    def test_is_the_head_of_a_stable_sort_of_all(self, part):
        places = np.arange(len(self.matrix)) if part is None else part
        for k in (1, 9, 300):
            found = Exact(self.matrix, part).nearest(self.queries, k)
            for query, near in zip(self.queries, found, strict=True):
                exact = np.round(self.matrix[places].astype(float) @ query.astype(float), 5)
                assert near.tolist() == places[np.argsort(-exact, kind="stable")[:k]].tolist()

    def test_what_comes_with_a_query_changes_nothing(self):
        index = Exact(self.matrix)
        together = index.nearest(self.queries, 9)
        for i, near in enumerate(together):
            assert index.nearest(self.queries[i : i + 1], 9)[0].tolist() == near.tolist()
            assert list(islice(index.ranking(self.queries[i], near[:2]), 9)) == near.tolist()


class TestApproximate:
    matrix = rows(24_000, 32, centres=300)

    @pytest.fixture(scope="class")
    def index(self):
        return Approximate.build(Exact(self.matrix))

    def test_finds_what_it_says(self, index):
        """Over other queries than those that its recall was measured on, and looking at few of the lists."""
        queries = rows(500, 32, seed=0, centres=300)[250:]
        wanted, found = index.exact.nearest(queries, 10), index.nearest(queries, 10)
        recall = np.mean([len(set(a.tolist()) & set(b.tolist())) for a, b in zip(wanted, found, strict=True)]) / 10
        assert min(index.recall, recall) >= 0.98
        assert abs(index.recall - recall) < 0.02
        assert index.probes < index.lists.nlist / 4

    def test_a_part_is_measured_by_those_outside_it_too(self):
        inside = self.matrix[:, 0] > 0.1
        index = Approximate.build(Exact(self.matrix, np.flatnonzero(inside)))
        queries = self.matrix[~inside][-300:]
        wanted, found = index.exact.nearest(queries, 10), index.nearest(queries, 10)
        assert inside[np.concatenate(found)].all()
        recall = np.mean([len(set(a.tolist()) & set(b.tolist())) for a, b in zip(wanted, found, strict=True)]) / 10
        assert min(index.recall, recall) >= 0.975

    def test_threads_and_batches_change_nothing(self, index):
        import faiss

        threads = faiss.omp_get_max_threads()
        faiss.omp_set_num_threads(1)
        try:
            again = Approximate.build(Exact(self.matrix))
        finally:
            faiss.omp_set_num_threads(threads)
        assert faiss.serialize_index(again.lists).tobytes() == faiss.serialize_index(index.lists).tobytes()
        assert (again.probes, again.recall) == (index.probes, index.recall)
        queries = rows(70, 32, seed=3, centres=300)
        for i, near in enumerate(index.nearest(queries, 9)):
            assert again.nearest(queries[i : i + 1], 9)[0].tolist() == near.tolist()

    def test_ranks_the_whole_pool_where_it_must(self, index):
        few = Approximate(Exact(self.matrix[:600]), Approximate.build(Exact(self.matrix[:600])).lists)
        near = few.nearest(self.matrix[:1], 9)[0]
        assert sorted(few.ranking(self.matrix[0], near)) == list(range(600))


@pytest.mark.parametrize("name", ["knn", "knn-balanced"])
def test_approximate_selection_says_its_recall_and_bars_as_ever(name, small_is_large, tmp_path):
    pool = [example(f"{e.id}{n}", e.text + n, e.target) for e in POOL for n in (" again", " as planned", " by chance")]
    select = [Selection(create(name, index="ann", vault=Vault(tmp_path)), pool, 4, "ascending", 0) for _ in range(2)]
    said = str(select[0].selector)
    assert "index='ann') with recall@10 0.9" in said or "recall@10 1.0" in said
    assert str(select[1].selector) == said != repr(select[1].selector)
    overlap = Overlap(pool)
    for item, one, two in zip(pool[:90], select[0].all(pool[:90]), select[1].all(pool[:90]), strict=True):
        assert one == two
        assert not {e.id for e in one.examples} & {pool[i].id for i in overlap.barred(item)}


def test_approximate_without_faiss_names_the_extra(monkeypatch):
    monkeypatch.setattr(knn, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"prompt-harness\[faiss\]"):
        create("knn", index="ann")


@indexed
def test_far_more_barred_than_looked_up_at_first(name):
    """Everything near the item is barred: its own document, of 300 examples."""
    own = [example(f"a{i}", f"{e.text} and more of it", e.target, "mine") for i, e in enumerate(POOL[:300])]
    item = example("x", POOL[0].text, cluster="mine")
    select = Selection(create(name), [*own, *POOL[300:]], 6, "as-is", 0)
    assert all(e.cluster is None for e in select(item).examples)
    assert all(e.startswith("a") for e in select(item).excluded)


class TestKept:
    @indexed
    def test_read_back_it_selects_the_same_and_makes_nothing(self, name, small_is_large, tmp_path, monkeypatch):
        usual = Selection(create(name), POOL, 5, "ascending", 0).all(ITEMS)
        assert Selection(create(name, vault=Vault(tmp_path)), POOL, 5, "ascending", 0).all(ITEMS) == usual
        monkeypatch.setattr(knn.Knn, "_vectors", None)
        monkeypatch.setattr(bm25, "_index", None)
        kept = Selection(create(name, vault=Vault(tmp_path)), POOL, 5, "ascending", 0)
        assert kept.all(ITEMS) == usual
        with pytest.raises(TypeError):  # another pool has an index of its own
            Selection(create(name, vault=Vault(tmp_path)), POOL[1:], 5, "ascending", 0)

    @indexed
    def test_a_damaged_file_is_an_input_error(self, name, small_is_large, tmp_path):
        Selection(create(name, vault=Vault(tmp_path)), POOL, 5, "ascending", 0)
        largest = max(tmp_path.rglob("*.npy"), key=lambda path: path.stat().st_size)
        largest.write_bytes(largest.read_bytes()[:-8])
        with pytest.raises(InputError, match=r"is damaged .*Delete"):
            Selection(create(name, vault=Vault(tmp_path)), POOL, 5, "ascending", 0)

    def test_small_pools_leave_nothing(self, tmp_path):
        Selection(create("knn", vault=Vault(tmp_path)), POOL, 5, "ascending", 0)
        assert not list(tmp_path.iterdir())

    def test_killed_while_writing_it_is_made_again(self, small_is_large, tmp_path):
        code = f"""
import os, signal
from pathlib import Path
from test_index import POOL
from harness.prompt.selectors import Selection, create, knn
from harness.results.vault import Vault
knn.LARGE = 100
knn.Embedder.save = lambda self, folder: os.kill(os.getpid(), signal.SIGKILL)
Selection(create("knn", vault=Vault(Path({str(tmp_path)!r}))), POOL, 5, "ascending", 0)
"""
        done = subprocess.run([sys.executable, "-c", code], check=False)
        assert done.returncode == -signal.SIGKILL
        assert list(tmp_path.rglob("vectors.npy"))
        usual = Selection(create("knn"), POOL, 5, "ascending", 0).all(ITEMS)
        assert Selection(create("knn", vault=Vault(tmp_path)), POOL, 5, "ascending", 0).all(ITEMS) == usual


class TestLsa:
    texts = tuple(e.text for e in POOL)

    def test_a_text_has_one_vector_alone_and_among_others(self):
        embedder = Embedder("lsa").fit(self.texts)
        together = embedder(self.texts)
        for i, text in enumerate(self.texts[:40]):
            assert (embedder([text])[0] == together[i]).all()

    def test_read_back_it_is_the_same(self, tmp_path):
        embedder = Embedder("lsa").fit(self.texts)
        embedder.save(tmp_path)
        assert (Embedder("lsa").load(tmp_path)(self.texts) == embedder(self.texts)).all()

    def test_a_large_pool_is_read_in_pieces_and_learnt_from_a_sample(self, monkeypatch):
        whole = Embedder("lsa").fit(self.texts)
        monkeypatch.setattr(embed, "PIECE", 50)
        assert (whole(self.texts) == Embedder("lsa").fit(self.texts)(self.texts)).all()
        monkeypatch.setattr(lsa, "SAMPLE", 200)
        one, two = (Embedder("lsa").fit(self.texts)(self.texts) for _ in range(2))
        assert (one == two).all()
        assert one.shape == whole(self.texts).shape
        assert not np.allclose(one, whole(self.texts))


def test_large_draws_are_permutations_and_each_place_is_fair():
    positions = range(20_000)
    assert sorted(shuffled(positions, ("once",))) == list(positions)
    assert list(islice(shuffled(positions, ("once",)), 9)) == list(islice(shuffled(positions, ("once",)), 9))
    means = np.mean([list(islice(shuffled(positions, ("fair", i)), 4)) for i in range(2000)], axis=0)
    assert np.abs(means - 9999.5).max() < 4 * 20_000 / np.sqrt(12 * 2000)


@pytest.mark.parametrize("name", ["random", "balanced"])
def test_large_per_item_draws_bar_and_balance(name, small_is_large):
    select = Selection(create(name, draw="per-item"), POOL, 6, "as-is", 0)
    found = select.all(POOL)
    assert len({tuple(e.id for e in each.examples) for each in found}) > 400
    overlap = Overlap(POOL)
    for item, each in zip(POOL, found, strict=True):
        assert len({e.id for e in each.examples} - {POOL[i].id for i in overlap.barred(item)}) == 6
        if name == "balanced":
            assert sorted(e.target for e in each.examples) == list("aabbcc")
