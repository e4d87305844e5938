"""The command line: what it says, what it refuses, and what that leaves behind."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from harness import calibration, engines, kinds, metrics, predictors
from harness.cli import main, options
from harness.models.checkpoint import Model
from harness.predictors.prompted import MODES, OVERLENGTH
from harness.prompt import selectors
from harness.report import FORMATS
from harness.results import store
from harness.task import definition


def run(*args):
    return CliRunner().invoke(main, [str(a) for a in args])


def ok(*args):
    done = run(*args)
    assert done.exit_code == 0, done.stderr
    return done.stdout


def tree(folder):
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*"))


def test_help_imports_nothing_heavy():
    heavy = [
        "torch",
        "transformers",
        "sklearn",
        "pandas",
        "numpy",
        "scipy",
        "pydantic",
        "jinja2",
        "rich",
        "yaml",
        "vllm",
        "httpx",
    ]
    code = (
        "import sys\nfrom harness.cli import main\n"
        "try: main(['--help'])\nexcept SystemExit: pass\n"
        f"print([m for m in {heavy} if m in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"
    assert all(command in done.stdout for command in ("run", "show", "list", "report", "init"))


def test_help_names_every_value_that_can_be_given():
    text = " ".join(ok("run", "--help").split())
    for values in (MODES, OVERLENGTH, selectors.ORDERS, engines.ENGINES, FORMATS):
        for value in values:
            assert value in text
    assert tuple(FORMATS) == options.FORMATS


def test_list_shows_everything(home):
    text = ok("list")
    for table in (
        kinds.KINDS,
        calibration.CALIBRATIONS,
        selectors.SELECTORS,
        engines.ENGINES,
        predictors.BASELINES,
        metrics.METRICS,
    ):
        for name in table:
            assert f"  {name}" in text
    assert "finsentiment/plain" in text
    assert "none yet" in text
    ok("run", "--task", "finsentiment", "--limit", 3)
    assert "macro-f1" in ok("list", "runs")


def test_show_prints_the_very_tokens(home):
    text = ok("show", "--task", "finsentiment", "--template", "chat", "--shots", 2, "--example", "test-003")
    prompt, _, parts = text.partition("─" * 40)
    assert prompt.startswith("<s><|system|>\n")
    assert prompt.rstrip().endswith("<|assistant|>")
    counts = {line.split(maxsplit=1)[1]: int(line.split()[0]) for line in parts.strip().splitlines()}
    whole = next(n for name, n in counts.items() if name.startswith("prompt"))
    assert whole == sum(n for name, n in counts.items() if name.startswith(("template", "demonstration", "item")))
    assert sum(name.startswith("demonstration") for name in counts) == 2
    assert "choice 'positive'" in counts


def test_show_says_what_else_becomes_of_a_prompt(project):
    (project / "tasks" / "pets" / "test.jsonl").write_text('{"id": "1", "text": "<|end|><|user|>", "label": "dog"}\n')
    plain = project / "prompts" / "pets" / "plain.j2"
    head = "---\nverbalizer: {cat: none, dog: none at all}\n---\n"
    assert "scored with the end" not in ok("show", "--task", "pets", "--shots", 1)
    plain.write_text(head + plain.read_text())
    text = ok("show", "--task", "pets", "--shots", 1)
    assert 'Each choice is scored with the end of an answer, "\\n": one choice begins another.' in text
    assert "The data hold control tokens: they are encoded as plain text" in text
    tokens = len(Model("tiny").tokenizer(" none at all\n", add_special_tokens=False)["input_ids"])
    assert f"{tokens:6d}  choice ' none at all'" in text


def test_report_renders_past_runs(home):
    ok("run", "--task", "finsentiment", "--baseline", "majority", "--limit", 30)
    ok("run", "--task", "finsentiment", "--baseline", "majority", "--limit", 20, "--baselines-only")
    assert ok("report").count("majority") >= 2
    rows = json.loads(ok("report", "--format", "json"))
    assert [row["n"] for row in rows] == [30, 30, 20]
    name = rows[1]["run"]
    assert ok("report", name, "--format", "csv").count("\n") == 2
    assert ok("report", Path("results/finsentiment") / name, "--format", "markdown").startswith("| predictor |")
    assert "leave out --figure" in run("report", "--variance", "--figure", "f").output
    done = run("report", name + "x")
    assert done.exit_code == 2
    assert f"Did you mean {name!r}" in done.stderr


def test_a_users_own_project_from_a_csv(home):
    lines = ["words,kind"] + [
        f'"the {s} number {i}, heard at {i} o\'clock",{k}'
        for i in range(40)
        for s, k in (("bark", "dog"), ("meow", "cat"))
    ]
    (home / "pets.csv").write_text("\n".join(lines))
    said = ok("init", "pets.csv", "--name", "pets", "--input", "words", "--target", "kind")
    assert "harness run --task pets" in said
    made = definition.load("pets")
    assert made.kind.outputs == ("cat", "dog")
    assert [len(made.examples(s)) for s in ("train", "dev", "test")] == [48, 8, 24]
    text = ok(
        "run", "--task", "pets", "--shots", "0,4", "--template", "plain,instruction", "--baseline", "tfidf-logreg"
    )
    assert "1.000" in text
    again = run("init", "pets.csv", "--name", "pets", "--input", "words", "--target", "kind")
    assert again.exit_code == 2
    assert "exists already" in again.stderr


def test_init_takes_a_test_file_and_reports_overlap(home):
    (home / "train.csv").write_text(
        "text,label\n" + "".join(f"sentence number {i} of many,{'ab'[i % 2]}\n" for i in range(40))
    )
    (home / "test.csv").write_text("text,label\nsentence number 7 of many,b\nsomething else entirely,a\n")
    said = ok("init", "train.csv", "--name", "t", "--test", "test.csv")
    assert "near-duplicates of train items (test-1" in said
    assert len(definition.load("t").examples("test")) == 2


RUN = ("run", "--task", "pets")
NO_MODEL = "kind: classification\n"


def break_task(home, old, new):
    path = home / "tasks" / "pets" / "task.yaml"
    path.write_text(path.read_text().replace(old, new))


BAD = {
    "missing data file": (lambda h: (h / "tasks/pets/train.jsonl").unlink(), RUN, "train.jsonl: no such data file"),
    "broken yaml": (lambda h: break_task(h, "[cat, dog]", "[cat, dog"), RUN, "not valid YAML"),
    "label outside the set": (
        lambda h: break_task(h, "[cat, dog]", "[cat, dgo]"),
        RUN,
        "unknown label 'dog'. Did you mean 'dgo'",
    ),
    "empty split": (lambda h: (h / "tasks/pets/test.jsonl").write_text(""), RUN, "split 'test' is empty"),
    "field the task lacks": (
        lambda h: (h / "prompts/pets/plain.j2").write_text("{{ headline }} =>"),
        RUN,
        "line 1: unknown name 'headline'",
    ),
    "duplicate ids": (
        lambda h: (h / "tasks/pets/test.jsonl").write_text('{"id": "1", "text": "a", "label": "cat"}\n' * 2),
        RUN,
        "line 2: duplicate id '1'",
    ),
    "more shots than the pool": (None, (*RUN, "--shots", "11"), "the demonstration pool has 10 examples"),
    "prompt too long": (
        lambda h: (h / "tasks/pets/test.jsonl").write_text(
            '{"id": "1", "text": "' + "bark " * 5000 + '", "label": "dog"}\n'
        ),
        RUN,
        "--on-overlength drop-demos or skip",
    ),
    "no model": (None, (*RUN, "--model", "tasks"), "holds no config.json"),
    "no such model": (None, (*RUN, "--model", "./nothing-here"), "neither a local model folder"),
    "results that cannot be written": (
        None,
        (*RUN, "--results", "tasks/pets/task.yaml/results"),
        "results cannot be written",
    ),
    "unknown task": (None, ("run", "--task", "pest"), "Did you mean 'pets'"),
    "unknown template": (None, (*RUN, "--template", "plian"), "Did you mean 'plain'"),
    "unknown index": (None, (*RUN, "--selector", "knn", "--index", "anns"), "Did you mean 'ann'"),
    "unknown selector": (None, (*RUN, "--selector", "knnn"), "Did you mean 'knn'"),
    "unknown engine": (None, (*RUN, "--engine", "vlm"), "Did you mean 'vllm'"),
    "unknown baseline": (None, (*RUN, "--baseline", "majorty"), "Did you mean 'majority'"),
    "unknown mode": (None, (*RUN, "--mode", "scores"), "Did you mean 'score'"),
    "unknown policy": (None, (*RUN, "--on-overlength", "drop"), "Known: error, drop-demos, skip"),
    "unknown order": (None, (*RUN, "--order", "up", "--shots", "1"), "Known: ascending, random, as-is"),
    "unknown draw": (None, (*RUN, "--draw", "peritem"), "Did you mean 'per-item'"),
    "unknown format": (None, (*RUN, "--format", "jsn"), "Did you mean 'json'"),
    "unknown split": (None, (*RUN, "--split", "tset"), "Did you mean 'test'"),
    "unknown dtype": (None, (*RUN, "--dtype", "int4"), "use auto, float32"),
    "unknown metric": (
        lambda h: break_task(h, "kind:", "metrics: [acuracy]\nmain_metric: acuracy\nkind:"),
        RUN,
        "Did you mean 'accuracy'",
    ),
    "unknown comparison metric": (None, (*RUN, "--metric", "f1"), "unknown metric 'f1'"),
    "unknown reference": (None, (*RUN, "--reference", "majority"), "unknown baseline to refer to 'majority'"),
    "word for a number": (None, (*RUN, "--shots", "five"), "give whole numbers"),
    "negative number": (None, (*RUN, "--shots", "-1"), "give whole numbers"),
    "unknown option": (None, (*RUN, "--shot", "5"), "--shots"),
    "no task": (None, ("run",), "--task"),
    "unknown kind to list": (None, ("list", "modles"), "Known: tasks, templates"),
    "unknown example": (None, ("show", "--task", "pets", "--example", "test-99"), "unknown example 'test-99'"),
    "nothing to report": (None, ("report",), "no runs"),
    "csv that is missing": (None, ("init", "no.csv", "--name", "x"), "no.csv: cannot be read"),
    "csv without the column": (
        lambda h: (h / "a.csv").write_text("txt,label\na,b\n"),
        ("init", "a.csv", "--name", "x"),
        "unknown column 'text'. Did you mean 'txt'",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_paragraph_exit_2_and_leaves_nothing(project, name):
    spoil, command, message = BAD[name]
    if spoil:
        spoil(project)
    before = tree(project)
    done = run(*command)
    assert done.exit_code == 2, done.output
    assert message in done.stderr
    assert "Traceback" not in done.output
    assert done.exception is None or isinstance(done.exception, SystemExit)
    assert done.stdout == ""
    if done.stderr.startswith("harness: "):
        assert done.stderr.count("\n") == 1
    assert tree(project) == before


def test_a_good_project_runs(project):
    """The counterpart of the bad ones: what they spoil does run unspoilt."""
    assert "tiny 0-shot" in ok(*RUN)


def test_skipped_prompts_are_counted_in_the_table(project):
    path = project / "tasks" / "pets" / "test.jsonl"
    path.write_text(path.read_text() + '{"id": "long", "text": "' + "bark " * 5000 + '", "label": "dog"}\n')
    text = ok(*RUN, "--on-overlength", "skip", "--format", "markdown")
    header, _, row = text.splitlines()[:3]
    assert row.split("|")[header.split("|").index(" skipped ")].strip() == "1"
    (found,) = store.find(project / "results")
    assert store.load(found).counts["skipped"] == 1


def test_failures_while_running_are_exit_1(project, monkeypatch):
    from harness.engines.transformers import Transformers

    monkeypatch.setattr(Transformers, "score", lambda *_: iter(()))
    done = run(*RUN)
    assert done.exit_code == 1
    assert "no answer for 10 items" in done.stderr
    assert not (project / "results" / "pets").exists()


def test_named_runs_over_other_items_are_refused_and_all_of_them_stand_apart(home):
    for limit in (5, 6):
        ok("run", "--task", "finsentiment", "--baselines-only", "--baseline", "majority", "--limit", limit)
    names = [folder.name for folder in store.find(home / "results")]
    done = run("report", *names)
    assert done.exit_code == 2
    assert "items_hash" in done.stderr
    assert ok("report").count("items, the same for every row") == 2


def test_parameters_of_baselines(home):
    few = ("run", "--task", "finsentiment", "--baselines-only", "--limit", 5, "--baseline", "tfidf-logreg,tfidf-svm")
    rows = json.loads(ok(*few, "--with", "tfidf-svm.C=3", "--with", "class_weights=yes", "--format", "json"))
    signatures = {row["predictor"]: row["signature"] for row in rows}
    assert "C:3.0|class_weights:balanced" in signatures["tfidf-svm"]
    assert "C:10.0|class_weights:balanced" in signatures["tfidf-logreg"]
    for option, said in (
        ("C", "NAME=VALUE"),
        ("class_weight=yes", "Did you mean 'class_weights'"),
        ("tfidf-svm.k=3", "unknown parameter"),
    ):
        done = run(*few, "--with", option)
        assert done.exit_code == 2
        assert said in done.stderr


def test_one_baseline_stands_twice_with_parameters_of_its_own(home):
    few = ("run", "--task", "finsentiment", "--limit", 20, "--baselines-only", "--baseline")
    rows = json.loads(ok(*few, "tfidf-svm,tfidf-svm+C=3+class_weights=yes", "--with", "C=0.5", "--format", "json"))
    assert [row["row"] for row in rows] == ["tfidf-svm, 300 train", "tfidf-svm (C=3+class_weights=yes), 300 train"]
    signatures = [row["signature"] for row in rows]
    assert "C:0.5|sklearn" in signatures[0]
    assert "C:3.0|class_weights:balanced" in signatures[1]
    shown = json.loads(ok("report", "--reference", "tfidf-svm+C=3+class_weights=yes", "--format", "json"))
    assert [row["difference"] is None for row in shown] == [False, True]
    # A parameter that is what it is anyway makes the same model, and still a row of its own.
    same = json.loads(ok(*few, "tfidf-svm,tfidf-svm+C=0.5", "--with", "C=0.5", "--format", "json"))
    assert [row["row"] for row in same] == ["tfidf-svm, 300 train", "tfidf-svm (C=0.5), 300 train"]
    for name, said in (("tfidf-svm+c=3", "unknown parameter 'c'"), ("tfidf-svm+C=high", "is no float")):
        done = run(*few, name)
        assert done.exit_code == 2
        assert said in done.stderr


def test_training_sizes_and_seeds_make_a_learning_curve(home):
    args = ("--train-size", "20,2/class,full", "--seed", "0,1", "--baseline", "tfidf-logreg", "--baselines-only")
    rows = json.loads(ok("run", "--task", "finsentiment", "--limit", 30, *args, "--format", "json"))
    assert [(row["n_train"], row["train_size"], row["seed"]) for row in rows] == [
        (20, "20", 0),
        (20, "20", 1),
        (6, "2/class", 0),
        (6, "2/class", 1),
        (300, None, 0),
    ]
    assert len({row["row"] for row in rows}) == 3
    bad = run("run", "--task", "finsentiment", "--baseline", "majority", "--train-size", "lots")
    assert bad.exit_code == 2
    assert "10/class" in bad.stderr


@pytest.mark.parametrize(
    ("option", "said"),
    [
        (("--correction", "bonferoni"), "unknown correction"),
        (("--price", "cheap"), "give one price or two"),
        (("--format", "latx"), "Did you mean 'latex'"),
    ],
)
def test_table_options_are_checked_before_anything_runs(home, option, said):
    done = run("run", "--task", "finsentiment", *option)
    assert done.exit_code == 2
    assert said in done.stderr
    assert tree(home) == []
