"""What commands say on terminals that cannot write it, to readers that have gone, and of faults of their own."""

import errno
import json
import os
import subprocess
import sys

import pytest
from click.testing import CliRunner

from harness.cli import main
from harness.cli.faults import TRACEBACK

BRIEF = "--task bins --baselines-only --baseline majority,tfidf-logreg"


@pytest.fixture
def bins(home):
    """A task whose names no terminal is glad of: labels, a template, a description and items."""
    folder, prompts = home / "tasks" / "bins", home / "prompts" / "bins"
    folder.mkdir(parents=True)
    prompts.mkdir(parents=True)
    labels = ["plain[bold]", "/red", ":smile: 公司"]
    for split in ("train", "test"):
        rows = ({"text": f"{split} 第{i} – {'abc'[i % 3]}\x1b[2J", "label": labels[i % 3]} for i in range(12))
        (folder / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "task.yaml").write_text(
        f"kind: classification\ninputs: [text]\ntarget: label\nlabels: {json.dumps(labels)}\n"
        "description: '≥ 3 [i]bins[/i] 公司'\nmetrics: [accuracy, class-f1]\nmain_metric: accuracy\n"
        "splits: {train: train.jsonl, test: test.jsonl}\n"
    )
    (prompts / "plain[bold].j2").write_text("---\ndescription: '[/] ≥ 😀'\n---\n{{ text }} =>")
    return home


def shell(command, encoding="utf-8", **env):
    """(exit code, stdout, stderr) of a command in a process of its own, both decoded strictly."""
    variables = {**os.environ, "PYTHONIOENCODING": encoding, "COLUMNS": "100", **env}
    words = [sys.executable, "-m", "harness", *command.split()]
    done = subprocess.run(words, capture_output=True, env=variables, check=False)
    return done.returncode, done.stdout.decode(encoding), done.stderr.decode(encoding)


def said(*args):
    done = CliRunner().invoke(main, args)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_names_are_shown_as_they_are(bins):
    table = said("run", *BRIEF.split(), "--metric", "f1[plain[bold]]")
    assert "f1[plain[bold]]" in table
    listed = said("list", "tasks", "templates", "--task", "bins")
    assert "≥ 3 [i]bins[/i] 公司" in listed
    assert "bins/plain[bold]  [/] ≥ 😀" in listed
    shown = said("show", "--task", "bins", "--template", "plain[bold]")
    assert "\\u001b[2J" in shown
    assert "choice ' :smile: 公司'" in shown
    assert "choice ' /red'" in shown


def test_an_error_is_one_paragraph_without_control_characters(bins):
    done = CliRunner().invoke(main, ["run", "--task", "bi\x1b[31m\nns"])
    assert done.exit_code == 2
    assert done.stderr.count("\n") == 1
    assert "\x1b" not in done.stderr
    (bins / "tasks" / "bins" / "task.yaml").write_text("kind: [\nlabels: {")
    done = CliRunner().invoke(main, ["run", "--task", "bins"])
    assert done.exit_code == 2
    assert done.stderr.count("\n") == 1


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
def test_what_an_encoding_lacks_is_replaced_and_never_fatal(bins, encoding):
    code, out, err = shell(f"run {BRIEF}", encoding)
    assert (code, err) == (0, "")
    assert "\n -----" in out  # the rule under the table's head
    for form in ("json", "csv"):
        code, out, _ = shell(f"report --format {form} --metric accuracy", encoding)
        assert code == 0
        assert '"f1[:smile: \\u516c\\u53f8]"' in out or "f1[:smile: \\u516c\\u53f8]" in out
        assert form != "json" or "f1[:smile: 公司]" in json.loads(out)[0]["metrics"]
    code, out, _ = shell("list tasks templates", encoding)
    assert code == 0
    assert "\\u2265 3 [i]bins[/i] \\u516c\\u53f8" in out
    assert "\\ud83d\\ude00" in out
    code, out, _ = shell("show --task bins --template plain[bold]", encoding)
    assert code == 0
    assert "\\u7b2c0" in out
    assert "-" * 40 in out
    code, _, err = shell("run --task 公司", encoding)
    assert code == 2
    assert "'\\u516c\\u53f8'" in err
    code, _, err = shell("run --公司", encoding)
    assert code == 2
    assert "\\u516c\\u53f8" in err
    for command in ("", "run", "check", "init"):
        assert shell(f"{command} --help", encoding)[0] == 0


def test_all_help_is_ascii():
    for command in main.commands:
        assert said(command, "--help").isascii()
    assert said("--help").isascii()


@pytest.mark.slow
def test_whoever_stops_reading_changes_nothing(home):
    """The reader of a pipe ends after a line: no traceback, and the exit code is the command's own."""
    command = [sys.executable, "-m", "harness", "list"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as pipe:
        assert pipe.stdout.readline() == "tasks\n"
        pipe.stdout.close()
        assert pipe.stderr.read() == ""
        assert pipe.wait() == 0
    assert "--task" in shell("run")[2]


@pytest.mark.slow
def test_a_fault_of_its_own_is_named_and_told_on_request(tmp_path):
    code = (
        "import sys\nfrom harness.cli import main\nfrom harness.study import listing\n"
        "def broken(*_): raise KeyError('no\\nsuch \\x1b thing')\nlisting.entries = broken\nmain(['list'])"
    )
    for asked in ({}, {TRACEBACK: "1"}):
        words, env = [sys.executable, "-c", code], {**os.environ, **asked}
        done = subprocess.run(words, capture_output=True, text=True, cwd=tmp_path, env=env, check=False)
        assert done.returncode == 1
        assert ("Traceback" in done.stderr) == bool(asked)
        assert "KeyError" in done.stderr
        assert asked or (done.stderr.count("\n") == 1 and "HARNESS_TRACEBACK=1" in done.stderr)


def test_a_caller_sees_the_exception_itself(home, monkeypatch):
    def broken(*_):
        raise KeyError("here")

    monkeypatch.setattr("harness.study.listing.entries", broken)
    assert isinstance(CliRunner().invoke(main, ["list"]).exception, KeyError)


@pytest.mark.parametrize(
    ("number", "code"), [("ENOENT", 2), ("EACCES", 2), ("EISDIR", 2), ("ENAMETOOLONG", 2), ("ENOSPC", 1), ("EIO", 1)]
)
def test_a_path_that_was_given_is_bad_input_and_a_full_disk_is_none(home, monkeypatch, number, code):
    def fails(*_):
        raise OSError(getattr(errno, number), os.strerror(getattr(errno, number)), "the/file")

    monkeypatch.setattr("harness.study.listing.entries", fails)
    done = CliRunner().invoke(main, ["list"])
    assert done.exit_code == code
    assert done.stderr.startswith("harness: the/file: ")


def test_a_name_too_long_is_bad_input(home):
    done = CliRunner().invoke(main, ["run", "--task", "finsentiment", "--template", "x" * 300 + ".j2"])
    assert done.exit_code == 2, done.output
    assert "Traceback" not in done.output
