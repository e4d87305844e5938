"""Runs and tasks for other programs: what is written is read back as what it was, and is what their formats ask for."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from harness.bring import answers
from harness.bring.given import export
from harness.bring.given.finished import finished
from harness.cli import main
from harness.errors import InputError
from harness.predictors.recorded import Recorded
from harness.results import store
from harness.task import definition
from harness.task.definition import Task
from harness.types import Status

REQUIRED = ("schema_version", "evaluation_id", "model_id", "evaluation_name", "sample_id", "interaction_type", "input")
REQUIRED = (*REQUIRED, "output", "answer_attribution", "evaluation")
OPTIONAL = ("sample_hash", "token_usage", "performance", "error", "metadata")
RUNS = (
    ("finsentiment", "--baseline", "tfidf-logreg", "--shots", "2", "--limit", "12"),
    ("exam-choice", "--baseline", "similarity"),
    ("filing-span", "--baseline", "sentence"),
    ("fin-qa", "--baseline", "operation"),
    ("fin-ner", "--baseline", "dictionary"),
    ("support-reply", "--baseline", "lead"),
    ("support-state", "--baseline", "last-mention"),
    ("city-events", "--baseline", "majority"),
)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Runs of built-in tasks of every kind."""
    root = tmp_path_factory.mktemp("runs")
    for task, *options in RUNS:
        own = () if task == "finsentiment" else ("--engine", "null", "--limit", "8")
        done = CliRunner().invoke(main, ["run", "--task", task, *options, *own, "--results", str(root)])
        assert done.exit_code == 0, done.output
    return root


def folders(root, task):
    return sorted(path.parent for path in root.glob(f"{task}/*/run.json"))


def rows(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("form", ["eee", "lm-eval"])
@pytest.mark.parametrize("task", [each[0] for each in RUNS])
def test_answers_that_are_read_back_are_the_same(form, task, made, tmp_path):
    for folder in folders(made, task):
        run = store.load(folder)
        export(form, str(folder), tmp_path / folder.name, made)
        (file,) = (tmp_path / folder.name).iterdir()
        known = definition.load(task)
        (found,) = answers.read(str(file), known, "test")
        asked = {example.id: example for example in known.examples("test")}
        again = Recorded(known.kind, found.recordings, "again").predict([asked[each.id] for each in run.examples])
        for before, after in zip(run.predictions, again, strict=True):
            if before.status is Status.UNPARSED:  # a reader of answers made elsewhere knows more forms than a template
                assert after.trace.raw == before.trace.raw
                continue
            assert (after.output, after.status) == (before.output, before.status), (folder.name, before.example_id)


def test_every_eval_ever_has_the_fields_that_its_schema_asks_for(made, tmp_path):
    for task, *_ in RUNS:
        for folder in folders(made, task):
            export("eee", str(folder), tmp_path / folder.name, made)
            for row in rows(tmp_path / folder.name / f"{folder.name}_samples.jsonl"):
                assert set(REQUIRED) <= set(row) <= {*REQUIRED, *OPTIONAL}
                assert row["schema_version"] == "instance_level_eval_0.2.1"
                assert row["interaction_type"] == "single_turn"
                assert isinstance(row["input"]["raw"], str)
                assert all(isinstance(each, str) for each in [*row["input"]["reference"], *row["output"]["raw"]])
                assert all(isinstance(each, str) for each in row["input"]["choices"] or [])
                assert isinstance(row["evaluation"]["is_correct"], bool)
                assert all(isinstance(each, str) for each in row["metadata"].values())
                fields = {"turn_idx", "source", "extracted_value", "extraction_method", "is_terminal"}
                assert all(set(each) == fields for each in row["answer_attribution"])


def test_samples_hold_the_prompt_and_the_scores(made, tmp_path):
    (folder,) = (each for each in folders(made, "finsentiment") if each.name.startswith("tiny"))
    export("lm-eval", str(folder), tmp_path, made)
    row, run = rows(next(tmp_path.iterdir()))[0], store.load(folder)
    context = row["arguments"][0][0]
    assert [pair[1] for pair in row["arguments"]] == [f" {label}" for label in run.kind.outputs]
    assert [float(each[0][0]) for each in row["resps"]] == pytest.approx(run.predictions[0].label_logprobs)
    assert context.count("Text:") == 3  # two demonstrations and the item
    assert row["acc"] == run.kind.right(run.examples[0], run.predictions[0].output)


@pytest.mark.parametrize("task", [each[0] for each in RUNS])
def test_a_task_for_a_hub_is_that_task_again(task, made, tmp_path):
    (folder, *_) = folders(made, task)
    export("hub", str(folder), tmp_path, made)
    again, before = definition.read(task, tmp_path), definition.load(task)
    assert isinstance(again, Task)
    for split in before.spec.splits:
        assert list(again.examples(split)) == list(before.examples(split))
    card = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert card.startswith("---\n")
    assert "path: data/test.jsonl" in card


def test_a_run_whose_task_is_no_longer_what_it_was_is_refused(made, tmp_path, monkeypatch):
    (folder, *_) = folders(made, "finsentiment")
    monkeypatch.chdir(tmp_path)
    home = Path("tasks/finsentiment")
    home.mkdir(parents=True)
    home.joinpath("task.yaml").write_text(
        "kind: classification\ninputs: [text]\ntarget: label\nlabels: [positive, negative, neutral]\n"
        "splits: {test: test.jsonl}\nmetrics: [accuracy]\nmain_metric: accuracy\n"
    )
    home.joinpath("test.jsonl").write_text('{"text": "another", "label": "neutral"}\n')
    with pytest.raises(InputError, match="is no longer what it was"):
        finished(str(folder), made)


def test_unknown_forms_and_runs_are_a_sentence(made, tmp_path):
    for words, said in ((("eeee", "x"), "unknown form"), (("eee", "tinny"), "unknown run")):
        done = CliRunner().invoke(main, ["export", *words, "--into", str(tmp_path), "--results", str(made)])
        assert done.exit_code == 2
        assert said in done.output


def test_tokens_and_time_go_out_and_come_back(made, tmp_path):
    """A prompt's tokens are in its sealed run, and a file's time in that of its answers."""
    (prompt,) = [f for f in folders(made, "finsentiment") if f.name.startswith("tiny")]
    export("eee", str(prompt), tmp_path / "one", made)
    (file,) = (tmp_path / "one").iterdir()
    assert all(row["token_usage"]["input_tokens"] > 0 for row in rows(file))
    assert all("performance" not in row for row in rows(file))
    timed = [{**row, "performance": {"latency_ms": 250.0}} for row in rows(file)]
    again = tmp_path / "timed.jsonl"
    again.write_text("".join(json.dumps(row) + "\n" for row in timed))
    (found,) = answers.read(str(again), definition.load("finsentiment"), "test")
    assert {each.spent.seconds for each in found.recordings.values()} == {0.25}
    assert min(each.spent.prompt for each in found.recordings.values()) > 0
