"""Two of one study at once: each prompt is paid for once, and nobody waits for the dead."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time

import pytest
from journals import answer, key

from harness.engines import presence
from harness.engines.inference import Inquiry
from harness.engines.journal import Journal, users
from harness.predictors.prompted import Prompted
from harness.prompt import template
from harness.prompt.selectors import create
from harness.results import store

COMMAND = [sys.executable, "-m", "harness", "run", "--task", "finsentiment", "--model", "parrot", "--engine", "openai"]
COMMAND += ["--mode", "generate", "--format", "json", "--engine-with", "structured=none"]
FLYING = 4  # requests at once


def told(running):
    out, err = running.communicate(timeout=300)
    assert running.returncode == 0, err
    return json.loads(out)


def asked(server):
    return [json.dumps(body, sort_keys=True) for body in server.bodies]


def until(true):
    deadline = time.monotonic() + 240
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def held(server):
    """A server that answers nothing before what is yielded is set."""
    gate = threading.Event()
    server.always = lambda _: not gate.wait(240)
    yield gate
    gate.set()


@pytest.fixture
def started(server):
    """Starts commands, and ends those that a failed test leaves."""
    running = []

    def start(*more):
        address = ("--engine-with", f"base_url={server.url}", "--engine-with", f"concurrency={FLYING}")
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        running.append(subprocess.Popen([*COMMAND, *address, *more], text=True, start_new_session=True, **pipes))
        return running[-1]

    yield start
    for each in running:
        if each.returncode is None:
            os.killpg(each.pid, signal.SIGKILL)
            each.communicate()


def waits(running):
    """Wait until a command says that it waits for another."""
    assert "answers are being asked for by another process, and are awaited" in running.stderr.readline()


@pytest.mark.slow
def test_two_processes_ask_each_prompt_once(home, server, held, started):
    one = started("--limit", "60", "--template", "plain,question")
    until(lambda: len(server.bodies) == FLYING)
    two = started("--limit", "60", "--template", "plain,question")
    waits(two)
    held.set()
    rows, same = told(one), told(two)
    bodies = asked(server)
    assert len(bodies) == len(set(bodies)) == 120
    assert [row["metrics"] for row in rows] == [row["metrics"] for row in same]
    assert [len(store.load(folder).predictions) for folder in store.find(home / "results")] == [60, 60]


@pytest.mark.slow
def test_studies_that_overlap_wait_only_for_what_they_share(home, server, held, started):
    one = started("--limit", "60", "--template", "plain,question")
    until(lambda: len(server.bodies) == FLYING)
    two = started("--limit", "60", "--template", "plain,chat")
    until(lambda: len(server.bodies) == 2 * FLYING)
    held.set()
    told(one), told(two)
    bodies = asked(server)
    assert len(bodies) == len(set(bodies)) == 180


@pytest.mark.slow
def test_the_second_goes_on_where_the_first_was_killed(home, server, held, started):
    server.cues.extend([lambda _: False] * 20)  # which are answered
    one = started("--limit", "60")
    until(lambda: len(server.bodies) == 20 + FLYING)
    two = started("--limit", "60")
    waits(two)
    os.killpg(one.pid, signal.SIGKILL)
    one.communicate()
    held.set()
    (row,) = told(two)
    bodies = asked(server)
    assert row["n"] == 60
    assert len(set(bodies)) == 60
    assert len(bodies) == 60 + FLYING  # what was in the air is asked again


class TestClaims:
    def test_a_key_is_one_s_until_it_is_released(self, tmp_path):
        path = tmp_path / "journal.sqlite"
        with Journal(path) as one, Journal(path) as two:
            assert one.claim(["a", "b"]) == {"a", "b"}
            assert one.claim(["a", "b"]) == {"a", "b"}
            assert two.claim(["b", "c"]) == {"c"}
            one.release()
            assert two.claim(["a", "b"]) == {"a", "b"}
            assert one.claim(["b", "c", "d"]) == {"d"}
        with Journal(path) as three:
            assert three.claim("abcd") == set("abcd")

    def test_owners_that_are_gone_or_no_owners_hold_nothing(self, tmp_path):
        path = tmp_path / "journal.sqlite"
        with Journal(path) as journal:
            for name, owner in (("a", "0" * 32), ("b", "../gate"), ("c", None), ("d", b"\xff\x00"), ("e", 7)):
                journal._execute("INSERT INTO leases VALUES (?, ?)", (name, owner))
            assert journal.claim("abcdef") == set("abcdef")

    KILLED = """
import os, signal, sys
from pathlib import Path
from harness.engines.journal import Journal
journal = Journal(Path(sys.argv[1]))
print(sorted(journal.claim(sys.argv[2])), flush=True)
sys.stdin.readline()
os.kill(os.getpid(), signal.SIGKILL)
"""

    def test_a_killed_process_holds_nothing(self, tmp_path):
        path = tmp_path / "journal.sqlite"
        command = [sys.executable, "-c", self.KILLED, str(path), "ab"]
        running = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert running.stdout.readline() == "['a', 'b']\n"
        with Journal(path) as journal:
            assert journal.claim("bc") == {"c"}
            with presence.alone(users(path)) as nobody:
                assert not nobody
            running.communicate("\n")
            assert running.returncode == -signal.SIGKILL
            assert journal.claim("abc") == set("abc")
        with presence.alone(users(path)) as nobody:
            assert nobody
        assert [each.name for each in users(path).iterdir()] == [presence.GATE]

    def test_what_is_answered_while_one_claims_is_not_asked_again(self, tiny, finsentiment, tmp_path, monkeypatch):
        """Between the look for what is known and the claim, another answers all and goes."""
        items = finsentiment.examples("dev")[:6]
        path = tmp_path / "journal.sqlite"
        with Journal(path) as one, Journal(path) as two:
            asking = [
                Prompted(template.load("plain", finsentiment), tiny, create("fixed"), journal=j) for j in (one, two)
            ]
            inquiry = Inquiry([asking[0].fit(())], items)
            claim = Journal.claim

            def late(journal, keys):
                if journal is one:
                    monkeypatch.setattr(Journal, "claim", claim)
                    list(asking[1].fit(()).predict(items))
                return claim(journal, keys)

            monkeypatch.setattr(Journal, "claim", late)
            found = [prediction for _, prediction in inquiry.predictions()]
        assert len(found) == 6
        assert sum(prediction.trace.usage.computed for prediction in found) == 0

    def test_many_that_claim_at_once_share_all_of_it(self, tmp_path):
        path, keys = tmp_path / "journal.sqlite", [key(number) for number in range(300)]
        found, asked = [], []

        def work(seed):
            with Journal(path) as journal:
                for part in random.Random(seed).choices([keys[:200], keys[100:], keys], k=3):
                    mine = journal.claim(part)
                    mine -= {each.key for each in journal.look_up(mine)}
                    for name in mine:
                        journal.record(answer(int(name, 16)))
                    asked.extend(mine)
                    journal.release()
                found.append(len(list(journal.look_up(keys))))

        threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        assert len(found) == 8
        assert len(asked) == len(set(asked))
