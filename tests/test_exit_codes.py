"""What a shell is told: real commands that fail, regress, are interrupted or find a full disk."""

import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from xml.etree import ElementTree

import pytest
from parrot import status

pytestmark = pytest.mark.slow

GENERATE = ["--engine", "openai", "--model", "parrot", "--mode", "generate"]
MANNERS = ["--engine-with", "structured=none,retries=0,concurrency=2"]
CHECK = ["check", "--task", "pets", "--template", "loud", "--against", "plain", "--margin", "0.4"]


def heard():
    """In a new process: SIGINT is not ignored, whatever runs the tests."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def begun(*words, **how):
    how = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "preexec_fn": heard, **how}
    return subprocess.Popen([sys.executable, *words], text=True, **how)


def ended(process):
    out, err = process.communicate(timeout=300)
    return process.returncode, out, err


def harness(*args, **how):
    return ended(begun("-m", "harness", *args, **how))


def code(text, **how):
    """A process that runs ``harness list`` after ``text``, whose ``entries`` is what that lists."""
    rest = (
        "\nfrom harness.study import listing\nlisting.entries = entries\nfrom harness.cli import main\nmain(['list'])"
    )
    return begun("-c", f"import sys, time\n{text}{rest}", **how)


@pytest.fixture
def asked(server, project, monkeypatch):
    """The words that ask a server about ``pets``, which is right, but wrong about what is ``loud``."""
    folder = project / "prompts" / "pets"
    (folder / "loud.j2").write_text((folder / "plain.j2").read_text().replace("{{ text }} =>", "loud: {{ text }} =>"))
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)

    def model(body):
        line = str(body["prompt"]).splitlines()[-1]
        right = ("bark" in line) == ("loud" not in line)
        return 200, {"choices": [{"text": " dog" if right else " cat", "finish_reason": "stop"}]}

    server.model = model
    return [*GENERATE, *MANNERS]


def reports(folder):
    return ["--junit", str(folder / "out.xml"), "--markdown", str(folder / "out.md"), "--github"]


def cases(folder, kind):
    return list(ElementTree.parse(folder / "out.xml").getroot().iter(kind))


class TestCheck:
    def test_a_server_that_fails_is_no_verdict(self, server, asked, project):
        server.always = status(500, "the machine is on fire")
        done, out, err = harness(*CHECK, *asked, *reports(project))
        assert done == 4, err
        assert err.startswith("harness: pets/loud: ")
        assert "the machine is on fire" in err
        assert err.count("\n") == 1
        (error,) = cases(project, "error")
        assert error.get("type") == "failed"
        assert "on fire" in error.get("message")
        assert not cases(project, "failure")
        assert (project / "out.md").read_text().startswith("### FAILED: `pets/loud`\n")
        assert re.search("^::error title=harness check: failed::pets/loud: .*on fire", out, re.MULTILINE)
        done, _, err = harness("run", "--task", "pets", *asked)
        assert (done, err.count("\n")) == (1, 1)

    def test_a_regression_is_one(self, asked, project):
        done, out, err = harness(*CHECK, *asked, *reports(project))
        assert (done, err) == (1, "")
        (failure,) = cases(project, "failure")
        assert failure.get("type") == "regression"
        assert not cases(project, "error")
        assert "REGRESSION" in out
        missing = [*CHECK[:4], "plian", *CHECK[5:]]
        done, _, err = harness(*missing, *asked, *reports(project))
        assert done == 2
        assert "Did you mean 'plain'" in err
        (error,) = cases(project, "error")
        assert error.get("type") == "wrong use"

    def test_of_several_one_fails_and_the_others_are_told(self, server, asked, project):
        folder = project / "prompts" / "pets"
        (folder / "odd.j2").write_text((folder / "plain.j2").read_text().replace("{{ text }}", "odd: {{ text }}"))
        for name in ("plain", "odd", "loud"):
            done, _, err = harness("check", "--task", "pets", "--template", name, "--margin", "0.4", "--save", *asked)
            assert done == 0, err
        (folder / "odd.j2").write_text((folder / "odd.j2").read_text().replace("odd:", "curious:"))
        honest = server.model
        server.model = lambda body: (503, {}) if "curious" in str(body) else honest(body)
        done, out, err = harness("check", "--all", *asked, *reports(project))
        assert done == 4, err
        assert re.search("^pets/odd +FAILED", out, re.MULTILINE)
        assert re.search("^pets/plain +PASS", out, re.MULTILINE)
        assert re.search("^pets/loud +PASS", out, re.MULTILINE)
        assert err.startswith("harness: pets/odd: ")
        assert [suite.get("errors") for suite in cases(project, "testsuite")].count("1") == 1
        (folder / "plain.j2").write_text(
            (folder / "plain.j2").read_text().replace("{{ text }} =>", "loud {{ text }} =>")
        )
        done, _, _ = harness("check", "--all", *asked, *reports(project))
        assert done == 1  # a regression is worse than what is not known
        (error,), (failure,) = cases(project, "error"), cases(project, "failure")
        assert (error.get("type"), failure.get("type")) == ("failed", "regression")
        text = (project / "out.md").read_text()
        assert "### REGRESSION: `pets/plain`" in text
        assert "### FAILED: `pets/odd`" in text

    @pytest.mark.parametrize("raised", ["KeyError('x')", "SystemExit(1)", "MemoryError()", "OSError(28, 'full')"])
    def test_nothing_that_is_raised_looks_like_a_verdict(self, project, raised):
        text = f"""
from harness.gate import check
def broken(*_): raise {raised}
check.Check.decide = broken
from harness.cli import main
main({[*CHECK, "--engine", "null", *reports(project)]!r})
"""
        for env in ({}, {"HARNESS_TRACEBACK": "1"}):
            done, _, err = ended(begun("-c", text, env={**os.environ, **env}))
            assert done == 4, err
            assert "pets/loud" in err
            assert len(cases(project, "error")) == 1


class TestFullDisk:
    def test_a_verdict_that_cannot_be_said_or_written(self, asked, project):
        same = [*CHECK[:4], "plain", *CHECK[5:], *asked]
        done, out, err = harness(*same, "--junit", "/dev/full")
        assert done == 4
        assert out.startswith("PASS")
        assert err.startswith("harness: /dev/full: cannot be written: No space left on device. Make room")
        with open("/dev/full", "w") as full:
            assert harness(*same, stdout=full)[0] == 4
            assert harness(*same, stderr=full)[0] == 0
            assert harness(*same[:-2], "--engine-with", "nothing=1", stderr=full)[0] == 2
        assert harness(*CHECK, *asked, "--junit", "/dev/full")[0] == 1


class TestSignals:
    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    @pytest.mark.parametrize("command", ["run", "check", "sequential"])
    def test_what_is_finished_is_kept_and_the_same_command_goes_on(self, server, asked, project, number, command):
        args = ["run", "--task", "pets"] if command == "run" else [*CHECK[:4], "plain", *CHECK[5:]]
        more = ["--sequential", "--metric", "accuracy"] if command == "sequential" else []
        stuck = []

        def slow(handler):
            if len(server.bodies) > 5:
                stuck.append(handler)
                time.sleep(60)

        server.always = slow
        process = begun("-m", "harness", *args, *more, *asked)
        journal = project / "results" / "journal.sqlite"
        deadline = time.monotonic() + 120
        while not (len(stuck) == 2 and recorded(journal) >= 4) and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(number)
        done, out, err = ended(process)
        assert (done, out) == (128 + number, "")
        word = "interrupted" if number == signal.SIGINT else "terminated"
        assert re.fullmatch(
            f"harness: {word}; finished answers .*are kept: the same command goes on from there.\n", err
        )
        assert not journal.with_name("journal.sqlite-wal").exists()  # closed, and not only left
        kept = recorded(journal)
        server.always = None
        server.bodies.clear()
        done, _, err = harness(*args, *more, *asked)
        assert done == (3 if more else 0), err  # ten items are too few for bounds that hold at every look
        assert len(server.bodies) == 10 - kept

    @pytest.mark.vllm
    @pytest.mark.parametrize(
        ("package", "how", "env"),
        [("vllm", ["--engine", "vllm"], {"VLLM_ENABLE_V1_MULTIPROCESSING": "1"}), ("ray", ["--ray", "local"], {})],
    )
    def test_the_processes_of_an_engine_end_too(self, home, package, how, env):
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
    def test_what_keeps_nothing_says_no_more_whatever_fails_on_the_way_out(self, home, number):
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

    def test_a_second_one_ends_it_at_once(self, home):
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

    def test_what_runs_in_the_background_of_a_shell_goes_on(self, home):
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


def recorded(path):
    """Answers in the journal, so far as there is one."""
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
            return db.execute("SELECT count(*) FROM answers").fetchone()[0]
    except sqlite3.OperationalError:
        return 0


def in_group(number):
    """Whether any process is left of the group that a command led."""
    try:
        os.killpg(number, 0)
    except ProcessLookupError:
        return False
    return True
