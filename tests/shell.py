"""The command in a process of its own, as a shell runs it."""

import signal
import sqlite3
import subprocess
import sys
from contextlib import closing

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


def recorded(path):
    """Answers in the journal, so far as there is one."""
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
            return db.execute("SELECT count(*) FROM answers").fetchone()[0]
    except sqlite3.OperationalError:
        return 0
