"""A study as a file, and names that a shell completes."""

import json
from pathlib import Path

import pytest
import yaml
from click.shell_completion import ShellComplete
from click.testing import CliRunner

from harness.cli import main, study
from harness.results import store

STUDY = """# Does a prompt beat the commonest label?
task: finsentiment
template: [plain, instruction]
shots: [0, 1]
baseline: majority
limit: 40
seed: 1
margin: 0.3
"""


def invoke(*args):
    return CliRunner().invoke(main, [str(arg) for arg in args])


@pytest.fixture
def file(home):
    path = Path("study.yaml")
    path.write_text(STUDY)
    return path


def names():
    return sorted(folder.name for folder in store.find(Path("results")))


def test_a_study_is_what_its_options_are(file):
    assert invoke("run", file).exit_code == 0
    made = names()
    typed = ("--template", "plain,instruction", "--shots", "0,1", "--baseline", "majority", "--limit", 40, "--seed", 1)
    assert invoke("run", "--task", "finsentiment", *typed).exit_code == 0
    assert names() == made
    assert len(made) == 5


def test_the_command_line_outranks_the_file(file):
    out = invoke("run", file, "--template", "plain", "--shots", "0", "--format", "json")
    assert {(row["template"], row["shots"]) for row in json.loads(out.stdout)} == {(None, None), ("plain", 0)}


def test_what_was_typed_is_written_and_runs_again(file):
    typed = ("--task", "finsentiment", "--baseline", "tfidf-logreg", "--with", "tfidf-logreg.C=2", "--limit", 30)
    assert invoke("run", *typed, "--baselines-only", "--write", "typed.yaml").exit_code == 0
    made = names()
    assert yaml.safe_load(Path("typed.yaml").read_text()) == {
        "task": "finsentiment",
        "baseline": "tfidf-logreg",
        "with": "tfidf-logreg.C=2",
        "baselines-only": True,
        "limit": 30,
    }
    assert invoke("run", "typed.yaml").exit_code == 0
    assert names() == made
    Path("mapped.yaml").write_text(Path("typed.yaml").read_text().replace("tfidf-logreg.C=2", "{tfidf-logreg.C: 2}"))
    assert invoke("run", "mapped.yaml").exit_code == 0
    assert names() == made


def test_every_run_names_the_study_that_repeats_it(file):
    assert invoke("run", file, "--limit", 20).exit_code == 0
    made = names()
    found = {json.loads(p.read_text())["environment"]["study"] for p in Path("results").rglob("run.json")}
    (told,) = found
    Path("told.yaml").write_text(told)
    assert invoke("run", "told.yaml").exit_code == 0
    assert names() == made


def test_check_takes_its_part_of_a_study(file):
    out = invoke("check", file, "--template", "plain", "--against", "instruction", "--shots", 0)
    assert out.exit_code in (0, 1, 3), out.output
    assert "40 items" in out.output
    assert "margin of 0.3" in out.output
    whole = invoke("check", file)
    assert whole.exit_code == 2
    assert "study.yaml, line 3, field template: give one value" in whole.stderr


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("task: finsentiment\ntemplat: plain\n", "line 2: unknown key 'templat'. Did you mean 'template'?"),
        ("task: finsentiment\nlimit: many\n", "line 2, field limit: 'many' is not a valid integer"),
        ("task: finsentiment\nshots: [0, -1]\n", "line 2, field shots"),
        ("- finsentiment\n", "a study is a mapping"),
        ("task: [finsentiment\n", "not valid YAML"),
        ("task: &a finsentiment\n", "anchors and aliases are not read"),
        ("task: {finsentiment: [1]}\nshots: [[0]]\n", "field shots: give one list"),
        ("shots: 0\n", "Missing option '--task'"),
        ("task: finsentimint\n", "unknown task 'finsentimint'. Did you mean 'finsentiment'?"),
    ],
)
def test_a_wrong_study_is_one_paragraph(home, text, said):
    Path("study.yaml").write_text(text)
    out = invoke("run", "study.yaml")
    assert out.exit_code == 2, out.output
    assert said in out.stderr
    assert "Traceback" not in out.stderr


def test_no_file_is_told(home):
    assert "nowhere.yaml: cannot be read" in invoke("run", "nowhere.yaml").stderr


def test_a_study_says_all_that_run_takes():
    known = study.options(main.commands["run"])
    for name in (
        "task",
        "template",
        "shots",
        "selector",
        "model",
        "baseline",
        "train-size",
        "seed",
        "calibrate",
        "engine",
    ):
        assert name in known
    assert not {"write", "dry-run", "help"} & set(known)
    assert "margin" in study.options(main.commands["check"])


@pytest.mark.parametrize(
    ("typed", "begun", "found"),
    [
        (["run", "--task"], "finsentiment-", {"finsentiment-zh"}),
        (["run", "--task"], "fin-ner,fin-q", {"fin-ner,fin-qa"}),
        (["show", "--task", "finsentiment", "--template"], "pl", {"plain"}),
        (["check", "--task", "finsentiment", "--template"], "instr", {"instruction"}),
    ],
)
def test_a_shell_completes_names(home, typed, begun, found):
    made = ShellComplete(main, {}, "harness", "_HARNESS_COMPLETE").get_completions(typed, begun)
    assert {item.value for item in made} == found


def test_a_shell_completes_runs(file):
    invoke("run", "--task", "finsentiment", "--baseline", "majority", "--baselines-only", "--limit", 20)
    made = ShellComplete(main, {}, "harness", "_HARNESS_COMPLETE").get_completions(["report"], "majority")
    assert [item.value for item in made] == names()
