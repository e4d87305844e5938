"""`harness report --watch`: a real process, which shows what is sealed while it looks."""

import os
import pty
import re
import select
import signal
import sqlite3
import subprocess
import sys
import time

import pytest
from click.testing import CliRunner
from runs import baseline, run
from shell import begun

from harness.cli import main
from harness.compare import differences
from harness.engines import layout
from harness.engines.journal import Journal
from harness.engines.underway import Asking, asking
from harness.report import render
from harness.results import store
from harness.results.shelf import Shelf
from harness.types import Answer, Usage

WORDS = ["-m", "harness", "report", "--watch", "--every", "0.1"]
PATIENCE = 60  # seconds: far more than anything here takes


class Watching:
    """A watching process, in a terminal or with its output in a pipe."""

    def __init__(self, folder, terminal):
        self.text = ""
        if terminal:
            self._read, far = pty.openpty()
        else:
            self._read, far = os.pipe()
        environment = {**os.environ, "COLUMNS": "200", "LINES": "50", "TERM": "xterm"}
        self.process = begun(*WORDS, cwd=folder, stdout=far, stdin=subprocess.DEVNULL, env=environment)
        os.close(far)

    def until(self, pattern):
        """All that was said since the last time, up to what matches ``pattern``."""
        end = time.monotonic() + PATIENCE
        while not (found := re.search(pattern, self.text, re.DOTALL)):
            assert time.monotonic() < end, self.text
            self._take()
        said, self.text = self.text[: found.end()], self.text[found.end() :]
        return said

    def _take(self):
        """Whether anything more was said."""
        if not select.select([self._read], [], [], 0.5)[0]:
            return False
        try:
            said = os.read(self._read, 65536).decode(errors="replace")
        except OSError:  # a terminal whose process has gone
            return False
        self.text += said
        return bool(said)

    def end(self, number=signal.SIGINT):
        """What is said after a signal, and the exit code."""
        self.text = ""
        self.process.send_signal(number)
        end = time.monotonic() + PATIENCE
        while self.process.poll() is None or self._take():
            assert time.monotonic() < end, self.text
            self._take()
        return self.text.replace("\r\n", "\n"), self.process.wait(PATIENCE)

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stderr.close()
        os.close(self._read)


@pytest.fixture
def watching(home):
    made = []

    def watch(terminal):
        made.append(Watching(home, terminal))
        return made[-1]

    yield watch
    for each in made:
        each.close()


def table(*runs):
    return render([differences.compare(runs)], "terminal")


def test_in_a_terminal_the_table_is_refreshed_and_stays_at_the_end(home, watching):
    here = watching(terminal=True)
    here.until("No runs yet")
    store.seal(baseline(), home / "results")
    here.until("svm")
    broken = store.seal(run("broken", draw=3, template="broken"), home / "results")
    (broken / "predictions.parquet").write_bytes(b"half")
    (home / "results" / "news_task" / ".sealing-x").mkdir()
    (home / "results" / "news_task" / "empty").mkdir()
    store.seal(run(), home / "results")
    here.until("some_model 5-shot")
    said, code = here.end()
    assert code == 0
    assert table(baseline(), run()) in said


def test_in_a_pipe_a_table_is_printed_when_it_is_another(home, watching):
    store.seal(baseline(), home / "results")
    here = watching(terminal=False)
    here.until("does not mean equal|Brackets")
    store.seal(run(), home / "results")
    said = here.until("does not mean equal")
    assert said.count("some_model 5-shot") == 1
    assert "\x1b" not in said
    assert here.end() == ("", 0)


def test_another_signal_ends_it_as_it_ends_others(home, watching):
    store.seal(baseline(), home / "results")
    here = watching(terminal=False)
    here.until("Brackets")
    assert here.end(signal.SIGTERM) == ("", 143)


def test_it_ends_when_nobody_reads(home):
    store.seal(baseline(), home / "results")
    done = subprocess.run(
        f"{sys.executable} {' '.join(WORDS)} | head -n 1",
        shell=True,
        cwd=home,
        capture_output=True,
        timeout=PATIENCE,
        check=True,
    )
    assert len(done.stdout.splitlines()) == 1


class TestShelf:
    def test_reads_each_run_once_and_again_where_it_is_sealed_anew(self, home, monkeypatch):
        store.seal(run(), home)
        read, load = [], store.load
        monkeypatch.setattr(store, "load", lambda folder: (read.append(folder.name), load(folder))[1])
        shelf = Shelf(home, None, pytest.fail)
        assert shelf.look()
        assert not shelf.look()
        store.seal(baseline(), home)
        read.clear()
        assert shelf.look()
        assert len(read) == 1
        assert [each.spec["predictor"] for each in shelf.runs] == ["prompt", "svm"]

    def test_tells_a_damaged_run_once_and_takes_it_when_it_is_whole(self, home):
        told = []
        folder = store.seal(run(), home)
        whole = (folder / "run.json").read_text()
        (folder / "run.json").write_text(whole[:100])
        shelf = Shelf(home, None, lambda error: told.append(str(error)))
        shelf.look()
        shelf.look()
        assert len(told) == 1
        assert shelf.runs == []
        (folder / "run.json").write_text(whole)
        assert shelf.look()
        assert len(shelf.runs) == 1

    def test_forgets_what_has_gone(self, home):
        folder = store.seal(run(), home)
        shelf = Shelf(home, None, pytest.fail)
        shelf.look()
        folder.rename(home / "elsewhere")
        assert shelf.look()
        assert shelf.runs == []


class TestUnderWay:
    def test_is_what_a_living_process_has_claimed_and_answered(self, home):
        path = home / "journal.sqlite"
        with Journal(path) as journal:
            journal.claim({"a", "b", "c"})
            journal.record(Answer("a", "yes", "stop", None, Usage(1, 1, 1)))
            assert asking(path) == Asking(3, 1)
            journal.release()
            assert asking(path) is None

    def test_what_the_dead_have_claimed_is_not_under_way(self, home):
        path = home / "journal.sqlite"
        with Journal(path) as journal:
            journal.claim({"a"})
            journal._execute("UPDATE leases SET owner = ?", ("0" * 32,))
            assert asking(path) is None

    @pytest.mark.parametrize("content", [None, b"", b"no database" * 100])
    def test_a_journal_that_cannot_be_read_says_nothing_and_stays(self, home, content):
        path = home / "journal.sqlite"
        if content is not None:
            path.write_bytes(content)
        assert asking(path) is None
        assert [each.name for each in home.iterdir()] == ([] if content is None else [path.name])

    def test_nothing_is_written(self, home):
        path = home / "journal.sqlite"
        with Journal(path) as journal:
            journal.claim({"a"})
            before = path.read_bytes()
            asking(path)
            assert path.read_bytes() == before
        with sqlite3.connect(path) as db:
            assert db.execute("PRAGMA user_version").fetchone() == (layout.VERSION,)


@pytest.mark.parametrize(
    "words",
    [("a-run",), ("--figure", "f"), ("--variance",), ("--output", "t.md"), ("--format", "json"), ("--log", "none")],
)
def test_what_makes_no_sense_with_it_is_refused(home, words):
    done = CliRunner().invoke(main, ["report", "--watch", *words])
    assert done.exit_code == 2
    assert ("are reports of their own" if words == ("--variance",) else "--watch shows in a terminal") in done.stderr
