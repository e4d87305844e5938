"""A study spread over Ray: how it is cut, and a real cluster of two workers, of which some are killed."""

import importlib.util
import itertools
import json
import logging
import os
import signal
from contextlib import closing
from dataclasses import replace
from importlib.metadata import version

import pytest
from click.testing import CliRunner
from contract import drawn, worst
from hypothesis import given
from hypothesis import strategies as st
from test_plan import requests

from harness.cli import main
from harness.engines import trie
from harness.engines.cluster import SETTINGS, Cluster, Room, room
from harness.engines.ray import replicate
from harness.engines.replica import Description
from harness.engines.shards import PER_REPLICA, SLACK, WASTE, Lanes, cuts, shards, works
from harness.errors import HarnessError, InputError
from harness.results import store
from harness.types import Request, Sampling

numbers = st.lists(st.tuples(st.integers(1, 30), st.integers(0, 5)), min_size=1, max_size=60)


@given(requests, st.integers(1, 4))
def test_every_request_is_in_one_shard_in_order(rows, replicas):
    ordered = trie.order(rows)
    made = shards(ordered, replicas)
    assert [request for shard in made for request in shard] == ordered
    assert all(made)
    assert len(made) <= replicas * PER_REPLICA


@given(numbers, st.integers(1, 12))
def test_shards_are_near_equal(rows, n):
    work, heads = [row[0] for row in rows], [row[1] for row in rows]
    places = cuts(work, heads, n)
    assert places == sorted(set(places))
    ideal = sum(work) / n
    for a, b in itertools.pairwise([0, *places, len(work)]):
        assert a < b
        assert sum(work[a:b]) <= ideal + 2 * max(SLACK * ideal, *work)


def test_a_cut_goes_where_neighbours_share_least():
    assert cuts([10] * 8, [0, 7, 7, 2, 7, 7, 7, 7], 2) == [3]  # between two subtrees, though one larger
    assert cuts([10] * 8, [0, 2, 7, 7, 7, 7, 7, 7], 2) == [4]  # too far off to be worth it


def test_work_is_what_the_trie_and_the_answers_add():
    rows = trie.order(drawn(4, count=40))
    assert sum(works(rows)) == trie.trie_size(s for r in rows for s in trie.sequences(r))
    asked = [Request(r.key, r.prompt, None, Sampling(max_tokens=9)) for r in rows]
    assert sum(works(asked)) == trie.trie_size(r.prompt for r in rows) + 9 * len(rows)


def test_long_shared_heads_make_fewer_shards():
    def made(length):
        return [Request(str(i), (*range(length), 1000 + i, 5, 6), ((7,),)) for i in range(200)]

    assert len(shards(made(0), 2)) == 2 * PER_REPLICA
    long = shards(made(500), 2)
    assert 2 <= len(long) < 2 * PER_REPLICA
    again = sum(trie.trie_size(r.prompt for r in shard) for shard in long) - trie.trie_size(r.prompt for r in made(500))
    assert again <= 500 + WASTE * 1100


def test_neighbouring_shards_go_to_one_replica_and_idle_ones_help():
    rows = [[Request(str(i), (i,), ((1,),))] for i in range(6)]
    lanes = Lanes(rows, 2)
    taken = [next(iter(lanes.take(place).requests)) for place in (0, 1, 0, 1, 1)]
    assert taken == ["0", "3", "1", "4", "5"]
    assert next(iter(lanes.take(1).requests)) == "2"
    assert lanes.take(0) is None
    assert not lanes


def test_room():
    two, eight = {"CPU": 16.0, "GPU": 2.0}, {"CPU": 96.0, "GPU": 8.0}
    head = {"CPU": 4.0}
    assert room([head, eight, eight], None, 2) == Room(8, 1, 2)
    assert room([two, two], 1, 1) == Room(1, 1, 1)
    assert room([head, {"CPU": 2.0}], None, 1) == Room(2, 2, 0)
    assert room([{"CPU": 2.0}], 2, 1) == Room(2, 1, 0)
    assert room([{"CPU": 5.0}, {"CPU": 3.0}], 2, 4) == Room(2, 3, 0)
    with pytest.raises(InputError, match=r"room for 2, because each takes 4 GPUs of one node\. Its nodes have 6, 6"):
        room([{"GPU": 6.0}, {"GPU": 6.0}], 3, 4)
    with pytest.raises(InputError, match="--replicas 3: the Ray cluster has room for 2"):
        room([{"CPU": 2.0}], 3, 1)


def test_a_missing_ray_gives_the_mend(monkeypatch, home):
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *_: None if name == "ray" else found(name))
    done = CliRunner().invoke(main, ["run", "--task", "finsentiment", "--ray", "auto"])
    assert done.exit_code == 2
    assert "prompt-harness[ray]" in done.stderr
    assert not list(home.iterdir())


def test_replicas_without_ray_are_refused(home):
    done = CliRunner().invoke(main, ["run", "--task", "finsentiment", "--replicas", "2"])
    assert done.exit_code == 2
    assert "--ray auto" in done.stderr


@pytest.fixture(scope="module")
def cluster():
    """A real cluster of two cores on this machine, once a session."""
    ray = pytest.importorskip("ray") if not os.environ.get("CI") else importlib.import_module("ray")
    os.environ.update(SETTINGS)
    ray.init(
        "local",
        num_cpus=2,
        include_dashboard=False,
        object_store_memory=100 * 2**20,
        logging_level=logging.ERROR,
        log_to_driver=False,
    )
    yield
    ray.shutdown()


def kill(worker):
    os.kill(worker.description.pid, signal.SIGKILL)


class Poison(tuple):
    """Kills the process that unpickles it."""

    def __reduce__(self):
        return os._exit, (9,)


@pytest.mark.slow
class TestReplicas:
    @pytest.fixture(scope="class")
    def spread(self, cluster):
        """Two replicas of the embedded model."""
        (engine,) = replicate("transformers", ["tiny"], {}, replicas=2)
        with closing(engine):
            yield engine

    def test_answers_are_those_of_a_single_process(self, spread, tiny):
        asked = drawn(8, count=120, heads=6)
        one, many = ({a.key: a for a in engine.score(asked)} for engine in (tiny, spread))
        assert spread.identity == tiny.identity
        assert spread.max_length == tiny.max_length
        texts = ["Profit rose.", "Sales fell 3 %."]
        assert spread.tokenizer(texts)["input_ids"] == tiny.tokenizer(texts)["input_ids"]
        assert worst(*({k: a.choice_logprobs for k, a in found.items()} for found in (one, many))) < 1e-5
        nodes = trie.trie_size(s for r in asked for s in trie.sequences(r))
        assert sum(a.usage.computed for a in many.values()) <= 1.3 * nodes

    def test_generation_is_that_of_a_single_process(self, spread, tiny):
        asked = [Request(str(i), r.prompt, None, Sampling(max_tokens=5, stop=())) for i, r in enumerate(drawn(9, 12))]
        one, many = ({a.key: a.text for a in engine.generate(asked)} for engine in (tiny, spread))
        assert one == many

    def test_a_killed_workers_requests_go_to_another(self, spread):
        while not all(worker.description for worker in spread._workers):
            spread._next()  # one that another test killed may still be starting
        asked = drawn(1, count=400, heads=12)
        before = {worker.description.pid for worker in spread._workers if worker.description}
        found, killed = [], None
        for answer in spread.score(asked):
            found.append(answer.key)
            if killed is None and all(worker.description for worker in spread._workers):
                killed = spread._workers[0]
                assert killed.shards
                kill(killed)
        assert sorted(found) == sorted(request.key for request in asked)
        assert killed is not None
        assert spread._workers[0] is not killed
        assert before != {worker.description and worker.description.pid for worker in spread._workers}

    def test_a_reader_that_stops_early_leaves_the_replicas_usable(self, spread):
        asked = drawn(2, count=300, heads=8)
        for _ in spread.score(asked):
            break
        rest = drawn(3, count=10)
        assert {a.key for a in spread.score(rest)} == {request.key for request in rest}
        assert not any(worker.shards for worker in spread._workers)

    def test_what_kills_its_workers_again_and_again_is_named(self, spread):
        bad = Request("the-bad-one", Poison((1, 2, 3)), ((4,),))
        with pytest.raises(HarnessError, match="3 replicas died over the same requests, the first being the-bad-one"):
            list(spread.score([bad]))


@pytest.mark.slow
@pytest.mark.usefixtures("cluster")
class TestRoom:
    def test_replicas_that_cannot_start_are_told(self):
        (engine,) = replicate("transformers", ["tiny"], {"dtype": Poison("f")}, replicas=1)
        with closing(engine), pytest.raises(HarnessError, match=r"die while they start\. Every node"):
            engine.identity  # noqa: B018

    def test_the_command_line(self, home):
        """Alone and spread, twice: the same rows, and nothing that is known is computed again."""
        line = ["run", "--task", "finsentiment", "--shots", "0,3", "--template", "plain,chat", "--limit", "60"]

        def rows(*more):
            done = CliRunner().invoke(main, [*line, "--format", "json", *more])
            assert done.exit_code == 0, done.stderr
            assert not done.stderr
            return json.loads(done.stdout)

        def predictions(folder):
            runs = [store.load(path) for path in store.find(home / folder)]
            return [(run.signature, [(p.example_id, p.output) for p in run.predictions]) for run in runs]

        def computed(made):
            return sum(row["usage"]["computed_tokens"] for row in made)

        alone = rows("--results", "alone")
        over = rows("--results", "over", "--ray", "auto", "--replicas", "2")
        assert predictions("alone") == predictions("over")
        assert computed(over) >= computed(alone) > 0
        assert computed(rows("--results", "over")) == 0
        assert computed(rows("--results", "over", "--ray", "auto", "--replicas", "1")) == 0

    def test_the_engines_own_errors_come_as_they_are(self, home):
        line = ["run", "--task", "finsentiment", "--ray", "auto", "--replicas", "1", "--model"]
        done = CliRunner().invoke(main, [*line, "nobody/no-such-model"])
        assert done.exit_code == 2
        assert "neither a local model folder nor a hub model" in done.stderr


@pytest.mark.parametrize("address", ["127.0.0.1:1", "ray://127.0.0.1:1", "somewhere", "127.0.0.1:http"])
def test_no_cluster_at_the_address(address, monkeypatch):
    ray = pytest.importorskip("ray")
    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    with pytest.raises(InputError, match=r"no Ray cluster to be had there \(.*`ray start --head`"):
        Cluster(address).room  # noqa: B018


def test_one_holder_at_a_time():
    released = []

    class Holder:
        def release(self):
            released.append(self)

    made, one, two = Cluster(), Holder(), Holder()
    for holder in (one, one, two, one):
        made.hold(holder)
    assert released == [one, two]


def test_replicas_that_would_answer_differently_are_refused():
    pytest.importorskip("ray")
    (engine,) = replicate("transformers", ["tiny"], {}, replicas=2)
    here = version("prompt-harness")
    one = Description({"dtype": "float32", "device": "cuda"}, None, 2048, here, "node-1", 1)
    engine._check(one)
    engine.__dict__["_description"] = one
    engine._check(replace(one, host="node-2"))
    with pytest.raises(HarnessError, match="device is 'cuda' on node-1, 'cpu' on node-2"):
        engine._check(replace(one, host="node-2", identity={**one.identity, "device": "cpu"}))
    with pytest.raises(InputError, match=r"node-2 has prompt-harness 0\.0\.9, this machine .* needs the same"):
        engine._check(replace(one, host="node-2", version="0.0.9"))
