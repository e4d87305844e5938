"""Killed and resumed: the same bits, and little computed again."""

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from itertools import permutations

import pandas
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.engines import trie
from harness.engines.journal import Journal
from harness.engines.transformers import NODES
from harness.results import store
from harness.types import Request, Sampling

CHOICES = ((9,), (9, 10), (11, 12, 13))


def text(rng, low, high, words=4000):
    return tuple(rng.randrange(14, words) for _ in range(rng.randint(low, high)))


def under_a_head(rng):
    head = (0, *text(rng, 399, 399))
    return [head + text(rng, 20, 50) for _ in range(50)]


def without_demonstrations(rng):
    return [(0, 7, *text(rng, 15, 25)) for _ in range(60)]


def longer_than_a_pass(rng):
    return [(0, *text(rng, 20, 600)) for _ in range(16)]


def sharing_at_random(rng):
    return [text(rng, 1, 30, words=19) for _ in range(90)]


def orders(rng):
    demos = [text(rng, 20, 60) for _ in range(3)]
    return [sum(order, (0,)) + text(rng, 5, 30) for order in permutations(demos) for _ in range(8)]


SHAPES = pytest.mark.parametrize(
    "shape", [under_a_head, without_demonstrations, longer_than_a_pass, sharing_at_random, orders]
)


def drawn(shape):
    return [Request(str(i), prompt, CHOICES) for i, prompt in enumerate(dict.fromkeys(shape(random.Random(3))))]


def scored(engine, requests, known=()):
    return {answer.key: answer for answer in engine.score(requests, known)}


@SHAPES
def test_what_is_left_is_scored_to_the_same_bit(tiny, shape):
    requests = drawn(shape)
    whole = scored(tiny, requests)
    assert sum(answer.usage.computed for answer in whole.values()) == trie.nodes(requests)
    keys = list(whole)
    rng = random.Random(0)
    parts = [keys[: len(keys) // 5], keys[: len(keys) // 2], keys[:-1], rng.sample(keys, len(keys) // 2)]
    for known in parts:
        left = scored(tiny, requests, set(known))
        assert left.keys() == whole.keys() - set(known)
        assert all(left[key].choice_logprobs == whole[key].choice_logprobs for key in left)
    assert scored(tiny, requests, set(keys)) == {}


@pytest.mark.parametrize("shape", [under_a_head, without_demonstrations])
def test_little_is_computed_again(tiny, shape):
    """The head, and what is finished of the pass that was cut off."""
    requests = drawn(shape)
    keys = list(scored(tiny, requests))
    for count in (5, 17, 30, 44):
        left = [request for request in requests if request.key not in keys[:count]]
        spent = sum(answer.usage.computed for answer in scored(tiny, requests, set(keys[:count])).values())
        assert trie.nodes(left) <= spent <= trie.nodes(left) + NODES


@pytest.mark.parametrize("trees", [True, False])
def test_rows_without_trees_and_texts_keep_their_company_too(tiny, trees, monkeypatch):
    requests = drawn(longer_than_a_pass)
    monkeypatch.setitem(tiny.__dict__, "_takes_trees", trees)
    whole = scored(tiny, requests)
    left = scored(tiny, requests, set(list(whole)[:9]))
    assert all(left[key].choice_logprobs == whole[key].choice_logprobs for key in left)
    how = Sampling(max_tokens=4, stop=())
    writing = [Request(r.key, r.prompt[:60], None, how) for r in requests] * 3
    writing = [Request(f"{i}", (*r.prompt, 20 + i), None, how) for i, r in enumerate(writing)]
    said = {answer.key: answer.text for answer in tiny.generate(writing)}
    known = set(list(said)[:35])
    answers = list(tiny.generate(writing, known))
    assert {answer.key: answer.text for answer in answers} == {k: v for k, v in said.items() if k not in known}


branching = st.lists(st.lists(st.integers(0, 2), min_size=1, max_size=30).map(tuple), min_size=1, max_size=25)


@settings(deadline=None)
@given(branching, st.integers(1, 12), st.data())
def test_passes_fill_and_what_is_needed_is_closed(prompts, size, data):
    requests = [Request(str(i), prompt, ((1,), (1, 2))) for i, prompt in enumerate(dict.fromkeys(prompts))]
    whole = trie.Trie.of(trie.order(requests))
    ends = [0]
    while ends[-1] < len(whole.tokens):
        ends.append(whole.end(ends[-1], size))
        assert ends[-2] < ends[-1] <= ends[-2] + size
    wanted = data.draw(st.sets(st.sampled_from(range(len(requests)))))
    needed = whole.needed(wanted)
    path = []
    for node, depth in enumerate(whole.depths):
        path[depth:] = (node,)
        if any(read.node == node and read.request in wanted for read in whole.reads):
            assert all(needed[each] for each in path)
    leads = {node for read in whole.reads if read.request in wanted for node in _path(whole, read.node)}
    assert {node for node, need in enumerate(needed) if need} == leads | {0}


def _path(whole, node):
    found, depth = [node], whole.depths[node]
    for each in range(node - 1, -1, -1):
        if whole.depths[each] < depth:
            found.append(each)
            depth = whole.depths[each]
    return found


def test_the_plan_of_the_first_time_is_kept_until_it_is_done(tmp_path):
    with Journal(tmp_path / "journal.sqlite") as journal:
        assert journal.planned("abcd", {"b", "c", "d"}) == {"b", "c", "d"}
        assert journal.planned("dcba", {"d"}) == {"b", "c", "d"}
        assert journal.planned("abc", {"c"}) == {"c"}  # another study
        journal.done("bcda")
        assert journal.planned("abcd", {"d"}) == {"d"}
    with Journal(tmp_path / "journal.sqlite") as again:
        assert again.planned("abcd", {"a"}) == {"a", "d"}


COMMAND = [sys.executable, "-m", "harness", "run", "--task", "finsentiment", "--shots", "0,5", "--limit", "60"]
COMMAND += ["--template", "plain,question", "--format", "json", "--metric", "accuracy"]


def recorded(folder):
    try:
        with sqlite3.connect(f"file:{folder / 'journal.sqlite'}?mode=ro", uri=True) as db:
            return db.execute("SELECT count(*) FROM answers").fetchone()[0]
    except sqlite3.OperationalError:  # not made yet
        return 0


def sealed(folder):
    return {run.name: pandas.read_parquet(run / "predictions.parquet") for run in store.find(folder)}


def metrics(text):
    return [{key: value for key, value in row.items() if key != "usage"} for row in json.loads(text)]


@pytest.mark.slow
def test_three_kills_leave_the_same_bytes(home):
    whole = subprocess.run([*COMMAND, "--results", "whole"], capture_output=True, text=True, check=True)
    total = recorded(home / "whole")
    assert total == 240
    for share in (0.05, 0.4, 0.75):
        running = subprocess.Popen(
            [*COMMAND, "--results", "killed"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        deadline = time.monotonic() + 240
        while recorded(home / "killed") < share * total and running.poll() is None and time.monotonic() < deadline:
            time.sleep(0.002)
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()
        assert share * total <= recorded(home / "killed") < total
        assert not sealed(home / "killed")
    again = subprocess.run([*COMMAND, "--results", "killed"], capture_output=True, text=True, check=True)
    one, two = sealed(home / "whole"), sealed(home / "killed")
    assert one.keys() == two.keys()
    for name, frame in one.items():
        pandas.testing.assert_frame_equal(frame, two[name], check_exact=True)
        paths = [next((home / each).glob(f"*/{name}/predictions.parquet")) for each in ("whole", "killed")]
        assert paths[0].read_bytes() == paths[1].read_bytes()
    assert metrics(whole.stdout) == metrics(again.stdout)
