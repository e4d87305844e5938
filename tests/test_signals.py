"""Real commands that a signal ends: what is kept, what is said, and what ends with them."""

import os
import re
import signal
import subprocess
import time

import pytest
from shell import CHECK, begun, code, ended, harness, recorded

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("command", ["run", "check", "sequential"])
def test_what_is_finished_is_kept_and_the_same_command_goes_on(server, served, project, number, command):
    args = ["run", "--task", "pets"] if command == "run" else [*CHECK[:4], "plain", *CHECK[5:]]
    more = ["--sequential", "--metric", "accuracy"] if command == "sequential" else []
    stuck = []

    def slow(handler):
        if len(server.bodies) > 5:
            stuck.append(handler)
            time.sleep(60)

    server.always = slow
    process = begun("-m", "harness", *args, *more, *served)
    journal = project / "results" / "journal.sqlite"
    deadline = time.monotonic() + 120
    while not (len(stuck) == 2 and recorded(journal) >= 4) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(number)
    done, out, err = ended(process)
    assert (done, out) == (128 + number, "")
    word = "interrupted" if number == signal.SIGINT else "terminated"
    assert re.fullmatch(f"harness: {word}; finished answers .*are kept: the same command goes on from there.\n", err)
    assert not journal.with_name("journal.sqlite-wal").exists()  # closed, and not only left
    kept = recorded(journal)
    server.always = None
    server.bodies.clear()
    done, _, err = harness(*args, *more, *served)
    assert done == (3 if more else 0), err  # ten items are too few for bounds that hold at every look
    assert len(server.bodies) == 10 - kept


@pytest.mark.vllm
@pytest.mark.parametrize(
    ("package", "how", "env"),
    [("vllm", ["--engine", "vllm"], {"VLLM_ENABLE_V1_MULTIPROCESSING": "1"}), ("ray", ["--ray", "local"], {})],
)
def test_the_processes_of_an_engine_end_too(home, package, how, env):
    pytest.importorskip(package)
    command = ["-m", "harness", "run", "--task", "finsentiment", "--shots", "5,8", "--template", "plain,chat", *how]
    process = begun(*command, env={**os.environ, **env}, start_new_session=True)
    deadline = time.monotonic() + 400
    while recorded(home / "results" / "journal.sqlite") < 20 and time.monotonic() < deadline:
        time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    done, out, err = ended(process)
    assert (done, out) == (143, "")
    assert "harness: terminated; finished answers" in err
    deadline = time.monotonic() + 60
    while in_group(process.pid) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not in_group(process.pid)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_what_keeps_nothing_says_no_more_whatever_fails_on_the_way_out(home, number):
    text = """
def entries(*_):
    try:
        print("here", flush=True)
        time.sleep(120)
    finally:
        print("unwound", flush=True)
        raise RuntimeError("a library that got the signal too")
"""
    process = code(text)
    while "here" not in process.stdout.readline():
        pass
    process.send_signal(number)
    done, out, err = ended(process)
    assert done == 128 + number
    assert out == "unwound\n"
    assert err == {signal.SIGINT: "harness: interrupted.\n", signal.SIGTERM: "harness: terminated.\n"}[number]


def test_a_second_one_ends_it_at_once(home):
    text = """
def entries(*_):
    try:
        print("here", flush=True)
        time.sleep(120)
    finally:
        print("stuck", flush=True)
        time.sleep(120)
"""
    process = code(text)
    for word in ("here", "stuck"):
        while word not in process.stdout.readline():
            pass
        process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) == -signal.SIGINT
    process.communicate()


def test_a_forked_process_hears_nothing(home):
    text = """
import os, signal
def entries(*_):
    ready, begun = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(begun, b"x")
        time.sleep(120)
    os.read(ready, 1)
    os.kill(child, signal.SIGTERM)
    return [(f"ended by {os.WTERMSIG(os.waitpid(child, 0)[1])}", "")]
"""
    done, out, err = ended(code(text))
    assert (done, err) == (0, "")
    assert "ended by 15" in out


def test_what_runs_in_the_background_of_a_shell_goes_on(home):
    text = """
def entries(*_):
    print("here", flush=True)
    sys.stdin.readline()
    return []
"""
    how = {"preexec_fn": lambda: signal.signal(signal.SIGINT, signal.SIG_IGN), "stdin": subprocess.PIPE}
    process = code(text, **how)
    while "here" not in process.stdout.readline():
        pass
    process.send_signal(signal.SIGINT)
    _, err = process.communicate("\n" * 20, timeout=60)
    assert (process.returncode, err) == (0, "")


def in_group(number):
    """Whether any process is left of the group that a command led."""
    try:
        os.killpg(number, 0)
    except ProcessLookupError:
        return False
    return True
