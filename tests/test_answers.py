"""Answers made elsewhere: every format, matched to the items, read, and compared as any other predictor."""

import csv
import json
import math
import random

import numpy as np
import pytest
from click.testing import CliRunner
from recordings import FORMATS, LABELS, SAID, archive, batch, inspect_log, lines, promptfoo, write
from sklearn import metrics as reference

from harness.bring import answers
from harness.cli import main
from harness.cli.answers import recorded
from harness.errors import InputError
from harness.predictors.recorded import Recorded
from harness.results import store
from harness.task import definition
from harness.types import Recording, Status

YAML = """kind: classification
inputs: [text]
target: label
id: id
labels: [good, bad, so-so]
splits: {train: train.jsonl, test: test.jsonl}
metrics: [accuracy, macro-f1, ece, parse-failure-rate]
main_metric: macro-f1
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A task of 12 test items in the working folder."""
    return made(tmp_path, monkeypatch, 12)


def made(tmp_path, monkeypatch, n):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "tasks" / "tone"
    folder.mkdir(parents=True)
    (folder / "task.yaml").write_text(YAML)
    for split, size in (("train", 30), ("test", n)):
        rows = [{"id": f"{split}{i}", "text": f"{split} sentence {i}", "label": LABELS[i % 3]} for i in range(size)]
        lines(folder / f"{split}.jsonl", rows)
    return definition.load("tone")


def read(name, task):
    (found,) = answers.read(name, task, "test")
    return found


def outputs(name, task):
    """What a table would have for each item, by id."""
    (made,) = recorded(task, "test", [name])
    return {p.example_id: p.output for p in made.predict(list(task.examples("test")))}


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_gives_the_same_answers(project, tmp_path, name):
    file = write(tmp_path, name)
    if name == "every eval ever":  # a sentence, which only a lenient reader takes
        (made,) = recorded(project, "test", [file])
        found = list(made.predict(list(project.examples("test"))))
        assert {p.status for p in found} == {Status.UNPARSED}
        assert {p.example_id: p.mentioned for p in found} == SAID
    else:
        assert outputs(file, project) == SAID


@pytest.mark.parametrize(
    ("name", "computed", "generated", "model"),
    [
        ("every eval ever", 20, 2, "some/model"),
        ("batch", 30, 1, "gpt-4o-mini"),
        ("promptfoo", 10, 2, ""),
        ("inspect", 9, 1, "openai/gpt-4o"),
        ("inspect .eval", 9, 1, "openai/gpt-4o"),
    ],
)
def test_tokens_and_model_come_along(project, tmp_path, name, computed, generated, model):
    found = read(write(tmp_path, name), project)
    assert found.model == model
    assert {(r.spent.prompt, r.spent.written) for r in found.recordings.values()} == {(computed, generated)}


def test_scores_of_continuations_are_the_labels_log_probabilities(project, tmp_path):
    found = read(write(tmp_path, "lm-eval scored"), project).recordings["test1"]
    right, wrong = -1 - math.log(math.exp(-1) + 2 * math.exp(-3)), -3 - math.log(math.exp(-1) + 2 * math.exp(-3))
    assert found.scores == pytest.approx([right if label == SAID["test1"] else wrong for label in LABELS])


@pytest.mark.parametrize(
    "scored",
    [
        {"probabilities": {"so-so": 0.2, "good": 0.7, "bad": 0.1}},
        {"probabilities": [0.7, 0.1, 0.2]},
        {"logprobs": json.dumps({"good": math.log(0.7), "bad": math.log(0.1), "so-so": math.log(0.2)})},
        {"p_good": 0.7, "p_bad": 0.1, "p_so-so": 0.2},
        {"good": 0.7, "bad": 0.1, "so-so": 0.2},
    ],
)
def test_scores_are_found_in_columns(project, tmp_path, scored):
    lines(tmp_path / "a.jsonl", [{"id": key, "prediction": said, **scored} for key, said in SAID.items()])
    found = read("a.jsonl", project).recordings["test3"]
    assert np.exp(found.scores) == pytest.approx([0.7, 0.1, 0.2])


def test_scores_are_calibrated_on_the_items(project, tmp_path):
    """A service that leans to one label: what it gives all items alike is taken off."""
    lean = {"good": 2.0, "bad": 0.0, "so-so": 0.0}
    rows = []
    for key, said in SAID.items():
        weight = {label: math.exp(lean[label] + (label == said)) for label in LABELS}
        shares = {label: value / sum(weight.values()) for label, value in weight.items()}
        rows.append({"id": key, "prediction": max(shares, key=shares.get), "probabilities": shares})
    lines(tmp_path / "a.jsonl", rows)
    plain, mended = recorded(project, "test", ["a.jsonl"], ("none", "batch", "contextual"))
    items = list(project.examples("test"))
    assert {p.output for p in plain.predict(items)} == {"good"}
    assert {p.example_id: p.output for p in mended.predict(items)} == SAID
    assert mended.settings["calibration"] == "batch on test"
    with pytest.raises(InputError, match="not of the answers 'a'"):
        Recorded(project.kind, plain.recordings, "a", calibrate="contextual")


def test_a_file_of_several_makes_a_row_of_each(project, tmp_path):
    document = promptfoo()
    others = [
        {**each, "provider": {"id": "local"}, "response": {"output": "bad"}}
        for each in promptfoo()["results"]["results"]
    ]
    document["results"]["results"] += others
    (tmp_path / "a.json").write_text(json.dumps(document))
    assert [each.name for each in answers.read("a.json", project, "test")] == ["a openai:gpt-4o", "a local"]


def test_epochs_are_one_row_over_draws(project, tmp_path):
    log = inspect_log()
    again = [{**sample, "epoch": 2} for sample in inspect_log()["samples"]]
    log["samples"] += again
    archive(tmp_path / "a.eval", log)
    assert [(each.name, each.draw) for each in answers.read("a.eval", project, "test")] == [("a", 0), ("a", 1)]
    out = CliRunner().invoke(main, ["run", "--task", "tone", "--answers", "a.eval", "--baselines-only"])
    assert out.exit_code == 0, out.output
    assert out.output.count("a (recorded, gpt-4o, 2 times)") == 1


def test_items_of_one_text_take_their_answers_in_order(project, tmp_path):
    rows = [{"id": f"test{i}", "text": f"same {i // 2}", "label": "good"} for i in range(4)]
    lines(tmp_path / "tasks" / "tone" / "test.jsonl", rows)
    lines(tmp_path / "a.jsonl", [{"text": f"same {i // 2}", "reply": LABELS[i % 3]} for i in range(4)])
    assert outputs("a.jsonl", project) == {f"test{i}": LABELS[i % 3] for i in range(4)}
    lines(tmp_path / "a.jsonl", [{"text": f"same {i}", "reply": "bad"} for i in range(2)])
    assert set(outputs("a.jsonl", project).values()) == {"bad"}
    lines(tmp_path / "a.jsonl", [{"text": f"same {i // 3}", "reply": LABELS[i % 3]} for i in range(4)])
    with pytest.raises(InputError, match="3 answers that differ to a text that 2 items have"):
        outputs("a.jsonl", project)


def test_what_has_no_answer_is_skipped_and_what_failed_says_why(project, tmp_path):
    rows = batch()
    rows[2]["response"], rows[2]["error"] = None, {"code": "timeout", "message": "the request timed out"}
    rows[3]["response"]["body"]["choices"][0]["message"]["content"] = None
    lines(tmp_path / "a.jsonl", rows[1:])
    (made,) = recorded(project, "test", ["a.jsonl"])
    found = {p.example_id: p for p in made.predict(list(project.examples("test")))}
    assert [found[f"test{i}"].status for i in range(4)] == [Status.SKIPPED, Status.OK, Status.FAILED, Status.SKIPPED]
    assert found["test2"].trace.raw == "the request timed out"


def test_thoughts_are_set_apart(project, tmp_path):
    lines(tmp_path / "a.jsonl", [{"id": "test0", "reply": "<think>bad? no.</think>\nso-so"}])
    (made,) = recorded(project, "test", ["a.jsonl"])
    (found,) = made.predict([next(iter(project.examples("test")))])
    assert (found.output, found.trace.thought) == ("so-so", "bad? no.")


def bad(tmp_path, rows, said="a.jsonl"):
    lines(tmp_path / "a.jsonl", rows)
    out = CliRunner().invoke(main, ["run", "--task", "tone", "--answers", said, "--baselines-only"])
    assert out.exit_code == 2
    assert len(out.stderr.strip().splitlines()) == 1
    assert "Traceback" not in out.output
    return out.stderr


def test_bad_files_are_one_paragraph_each(project, tmp_path):
    rows = [{"id": key, "prediction": said} for key, said in SAID.items()]
    other = [{"id": f"item-{i}", "prediction": "good"} for i in range(12)]
    assert "12 of 12 answers are to no item of task 'tone'" in bad(tmp_path, other)
    assert "6 of 12 answers are to no item" in bad(tmp_path, [*rows[:6], *other[:6]])
    twice = [*rows, {"id": "test4", "prediction": "good" if SAID["test4"] != "good" else "bad"}]
    assert "line 13: item 'test4' has another answer here" in bad(tmp_path, twice)
    texts = [{**row, "text": f"of another set {i}"} for i, row in enumerate(rows)]
    assert "item 'test0' has another text here" in bad(tmp_path, texts)
    several = [{**row, "output": "good"} for row in rows]
    assert "which column is the answer? 'prediction', 'output' could each be it" in bad(tmp_path, several)
    assert "unknown column 'predicton'. Did you mean 'prediction'?" in bad(tmp_path, rows, "a.jsonl:predicton")
    scored = [{**row, "scores": {"good": 3, "bad": 1, "so-so": 0}} for row in rows]
    assert "neither log-probabilities" in bad(tmp_path, scored)
    assert "no score for the label 'so-so'" in bad(
        tmp_path, [{**row, "scores": {"good": 0.5, "bad": 0.5}} for row in rows]
    )
    assert "no such file" in bad(tmp_path, rows, "b.jsonl")
    assert "holds no answers" in bad(tmp_path, [])
    (tmp_path / "a.eval").write_bytes(b"no archive")
    assert "no log of Inspect" in bad(tmp_path, rows, "a.eval")


def test_a_few_strange_answers_are_left_out_and_told(project, tmp_path):
    rows = [{"id": key, "prediction": said} for key, said in SAID.items()]
    lines(
        tmp_path / "a.jsonl", [*rows, {"id": "elsewhere", "prediction": "bad"}, {"id": "train3", "prediction": "bad"}]
    )
    out = CliRunner().invoke(main, ["run", "--task", "tone", "--answers", "a.jsonl", "--baselines-only"])
    assert out.exit_code == 0
    assert "1 of 14 answers are to no item of 'tone': left out" in out.stderr


def test_partial_compares_on_what_all_have(project, tmp_path):
    rows = [{"id": key, "prediction": said} for key, said in SAID.items()]
    lines(tmp_path / "a.jsonl", rows[2:])
    lines(tmp_path / "b.jsonl", rows[:-1])
    command = ["run", "--task", "tone", "--answers", "a.jsonl,b.jsonl", "--baseline", "majority", "--baselines-only"]
    whole = CliRunner().invoke(main, command)
    assert "12 items, the same for every row" in whole.output
    assert "a (recorded): 2 items have no answer in its file" in whole.output
    part = CliRunner().invoke(main, [*command, "--partial"])
    assert "9 items, the same for every row" in part.output
    assert CliRunner().invoke(main, ["run", "--task", "tone", "--partial"]).exit_code == 2


def test_the_table_is_what_scikit_learn_makes_of_the_files(tmp_path, monkeypatch):
    """Three files over 1,000 items: some missing, some unreadable, some twice, in other orders, with other line
    ends."""
    task, rng = made(tmp_path, monkeypatch, 1000), random.Random(3)
    items = list(task.examples("test"))
    said = {}
    for who, skill in (("one", 0.8), ("two", 0.7), ("three", 0.6)):
        said[who] = {}
        for item in items:
            draw = rng.random()
            if draw < 0.01:
                continue
            label = item.target if rng.random() < skill else rng.choice(LABELS)
            said[who][item.id] = "I would rather not say" if draw < 0.03 else label
        rows = [*said[who].items(), *rng.sample(sorted(said[who].items()), 20)]
        rng.shuffle(rows)
        if who == "two":
            with (tmp_path / "two.csv").open("w", newline="") as file:
                csv.writer(file, lineterminator="\r\n").writerows(
                    [("reply", "id"), *((text, key) for key, text in rows)]
                )
        else:
            lines(tmp_path / f"{who}.jsonl", [{"id": key, "answer": text} for key, text in rows], "\r\n")
    files = "one.jsonl,two.csv,three.jsonl"
    out = CliRunner().invoke(
        main,
        ["run", "--task", "tone", "--answers", files, "--baselines-only", "--reference", "two", "--format", "json"],
    )
    assert out.exit_code == 0, out.output
    found = {row["answers"]: row for row in json.loads(out.stdout)}
    truth = [item.target for item in items]
    given = {who: [said[who].get(item.id, "none") for item in items] for who in said}
    for who, texts in given.items():
        labels = [text if text in LABELS else "none" for text in texts]
        scores = {name: found[who]["metrics"][name]["value"] for name in ("accuracy", "macro-f1", "parse-failure-rate")}
        assert scores["accuracy"] == pytest.approx(reference.accuracy_score(truth, labels))
        macro = reference.f1_score(truth, labels, labels=LABELS, average="macro")
        assert scores["macro-f1"] == pytest.approx(macro)
        assert scores["parse-failure-rate"] == pytest.approx(texts.count("I would rather not say") / 1000)
        assert found[who]["counts"]["skipped"] == texts.count("none") > 0
        two = reference.f1_score(
            truth, [t if t in LABELS else "none" for t in given["two"]], labels=LABELS, average="macro"
        )
        if who != "two":
            assert found[who]["difference"]["value"] == pytest.approx(macro - two)


def test_agreement_stands_below_the_table(tmp_path, monkeypatch):
    task, rng = made(tmp_path, monkeypatch, 200), random.Random(0)
    items = list(task.examples("test"))
    said = {}
    for who in ("model", "person"):
        said[who] = [item.target if rng.random() < 0.7 else rng.choice(LABELS) for item in items]
        lines(tmp_path / f"{who}.jsonl", [{"id": i.id, "label": s} for i, s in zip(items, said[who], strict=True)])
    out = CliRunner().invoke(
        main, ["run", "--task", "tone", "--answers", "model.jsonl,person.jsonl", "--baselines-only"]
    )
    text = " ".join(out.output.split())
    truth = [item.target for item in items]
    for one, other, pair in (
        ("model", "the labels", (truth, said["model"])),
        ("person", "the labels", (truth, said["person"])),
        ("model", "person", (said["model"], said["person"])),
    ):
        assert f"{one} and {other}: {reference.cohen_kappa_score(*pair):.3f} [" in text
    assert "their row is a ceiling" in text


def test_a_sealed_run_of_answers_is_read_and_named(project, tmp_path):
    lines(tmp_path / "gpt4.jsonl", [{"id": key, "prediction": said} for key, said in SAID.items()])
    out = CliRunner().invoke(main, ["run", "--task", "tone", "--answers", "gpt4.jsonl", "--baselines-only"])
    assert out.exit_code == 0, out.output
    (folder,) = store.find(tmp_path / "results")
    run = store.load(folder)
    assert folder.name.startswith("gpt4-recorded-s0-")
    assert dict(run.signature.pairs)["answers"].startswith("gpt4@")
    assert {p.example_id: p.output for p in run.predictions} == SAID
    report = CliRunner().invoke(main, ["report", "--task", "tone", "--format", "markdown"])
    assert "gpt4 (recorded)" in report.output
    # One character of the file more: another signature, so another run.
    lines(tmp_path / "gpt4.jsonl", [{"id": key, "prediction": f"{said} "} for key, said in SAID.items()])
    CliRunner().invoke(main, ["run", "--task", "tone", "--answers", "gpt4.jsonl", "--baselines-only"])
    assert len(store.find(tmp_path / "results")) == 2


def shapes(name):
    """An item of a shipped task, and its answer in forms that other programs write."""
    task = definition.load(name)
    item = (
        next(e for e in task.examples("test") if json.loads(e.target))
        if name != "exam-choice"
        else next(iter(task.examples("test")))
    )
    return task.kind, item


def test_answers_of_other_kinds_are_read_in_their_own_forms():
    kind, item = shapes("fin-ner")
    text = kind.passage(item)
    spans = json.loads(item.target)
    for written in (
        json.dumps(spans),
        json.dumps([{"start": s, "end": e, "label": t} for s, e, t in spans]),
        json.dumps([{"text": text[s:e], "type": t} for s, e, t in spans]),
        kind.shown(item, kind.words("marks", "")),
    ):
        assert kind.recorded(written, item).output == item.target
    kind, item = shapes("exam-choice")
    letter = "ABCD"[int(item.target) - 1]
    option = item.options[int(item.target) - 1]
    for written in (letter, f"({letter})", option, f"Answer: {letter}. {option}"):
        assert kind.recorded(written, item).output == item.target
    kind, item = shapes("support-state")
    assert kind.recorded(item.target, item).output is not None


def test_recorded_answers_keep_to_the_contract_of_predictors(project):
    made = Recorded(project.kind, {"test1": Recording("good")}, "a")
    items = list(project.examples("test"))
    assert [p.example_id for p in made.fit(()).predict(items)] == [item.id for item in items]
    assert list(made.predict(items)) == list(made.predict(items))
    assert list(made.predict(items[1:2])) == list(made.predict(items))[1:2]
