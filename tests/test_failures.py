"""Items that get no answer since their scores are no numbers: told, counted, never kept, asked again."""

import json
import math
import sqlite3

import numpy as np
import pandas
import pytest
import torch
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from journals import put

from harness import metrics
from harness.choice import chosen, flaw
from harness.cli import main
from harness.engines.inference import Asked
from harness.engines.null import Null
from harness.errors import HarnessError
from harness.models.embed import Encoder
from harness.predictors.embedding import stated
from harness.predictors.prompted import Prompted
from harness.prompt import template
from harness.prompt.selectors import create
from harness.results import store
from harness.study import grid
from harness.types import Answer, Status, Usage

NAN, INF = math.nan, math.inf
ODD = [(INF, -1.0, -2.0), (-INF, -INF, -INF), (-INF, NAN, -INF), (INF, -INF, -1.0)]
BROKEN = [(NAN, NAN, NAN), (-1.0, NAN, -2.0), *ODD]


class TestNumbers:
    @pytest.mark.parametrize("scores", BROKEN)
    def test_what_cannot_be_told_apart_is_no_answer(self, scores):
        found = chosen("i", ("a", "b", "c"), scores)
        assert (found.output, found.status, found.label_logprobs) == (None, Status.FAILED, None)
        assert found.trace.raw == flaw(scores) != ""

    def test_one_impossible_label_is_no_flaw(self):
        found = chosen("i", ("a", "b", "c"), (-INF, -2.0, -0.5))
        assert (found.output, found.status, found.label_logprobs) == ("c", Status.OK, (-INF, -2.0, -0.5))

    @given(st.lists(st.floats(-50, 0), min_size=1, max_size=6))
    def test_numbers_have_no_flaw_and_the_first_of_the_likeliest_wins(self, scores):
        labels = [str(i) for i in range(len(scores))]
        assert flaw(scores) == ""
        assert chosen("i", labels, scores).output == labels[int(np.argmax(scores))]

    @pytest.mark.parametrize("scores", BROKEN)
    def test_a_prompt_and_a_trained_baseline_fail_alike(self, scores, finsentiment):
        item = finsentiment.examples("dev")[0]
        made = Prompted(template.load("plain", finsentiment), Null("tiny"), create("fixed"))
        answer = Answer("k", choice_logprobs=tuple((value,) for value in scores))
        (one,) = made.read(Asked(item, ("d",), 0, ()), answer, Usage(5, 4))
        (two,) = stated([item], finsentiment.kind.outputs, [scores], [7])
        assert one.status is two.status is Status.FAILED
        assert one.trace.raw == two.trace.raw
        assert (one.trace.demos, one.trace.usage, one.trace.choice_logprobs) == (("d",), Usage(5, 4), None)
        assert two.trace.unread == 7

    def test_an_impossible_token_leaves_the_other_choices_their_share(self, finsentiment):
        item = finsentiment.examples("dev")[0]
        made = Prompted(template.load("plain", finsentiment), Null("tiny"), create("fixed"))
        answer = Answer("k", choice_logprobs=((-INF, -0.5), (math.log(0.3),), (math.log(0.1),)))
        (found,) = made.read(Asked(item, (), 0, ()), answer, Usage())
        assert found.output == finsentiment.kind.outputs[1]
        assert found.label_logprobs[0] == -INF
        assert [math.exp(value) for value in found.label_logprobs] == pytest.approx([0, 0.75, 0.25])


def broken_null(monkeypatch, every):
    """The engine null gives no numbers to each request whose prompt's tokens sum to a multiple of ``every``."""
    score = Null.score

    def scored(self, requests, known=()):
        requests = list(requests)
        prompts = {request.key: request.prompt for request in requests}
        for answer in score(self, requests, known):
            if sum(prompts[answer.key]) % every:
                yield answer
            else:
                worse = tuple(tuple(NAN for _ in choice) for choice in answer.choice_logprobs)
                yield Answer(answer.key, choice_logprobs=worse, usage=answer.usage)

    monkeypatch.setattr(Null, "score", scored)


def run(*args, command="run"):
    return CliRunner().invoke(main, [command, "--task", "finsentiment", *args])


NULL = ("--engine", "null", "--limit", "60")


class TestStudies:
    def test_failed_items_are_counted_told_and_asked_again(self, home, monkeypatch):
        with monkeypatch.context() as patch:
            broken_null(patch, 4)
            done = run(*NULL, "--baseline", "majority", "--format", "json")
            assert done.exit_code == 0, done.output
            row = next(row for row in json.loads(done.stdout) if row["predictor"] == "prompt")
            failed = row["counts"]["failed"]
            assert 0 < failed < 60
            assert row["counts"]["ok"] == 60 - failed
            table = run(*NULL, "--baseline", "majority").stdout
            assert f"{failed} items got no answer and count as wrong: the model's scores are not numbers" in table
            assert "failed" in table
            for form in ("markdown", "csv", "html", "latex"):
                assert run(*NULL, "--baseline", "majority", "--format", form).exit_code == 0
        with sqlite3.connect(home / "results" / "journal.sqlite") as db:
            assert db.execute("SELECT count(*) FROM answers").fetchone()[0] == 60 - failed
        folder = next(each for each in store.find(home / "results") if "majority" not in each.name)
        frame = pandas.read_parquet(folder / "predictions.parquet")
        lost = frame[frame.status == "failed"]
        assert len(lost) == failed
        assert lost.label_logprobs.isna().all()
        assert not lost.correct.any()
        assert lost.raw.str.contains("not numbers").all()
        (again,) = json.loads(run(*NULL, "--format", "json").stdout)
        assert again["counts"]["ok"] == 60
        assert "failed" not in again["counts"] or again["counts"]["failed"] == 0

    def test_every_metric_and_figure_takes_failed_items(self, home, finsentiment, monkeypatch):
        broken_null(monkeypatch, 3)
        spec = grid.Spec(limit=40)
        ((made, _),) = grid.run(finsentiment, spec, [Null("tiny")], home / "results")
        assert made.counts["failed"] > 0
        for name in finsentiment.kind.measures:
            metric = metrics.create(name, finsentiment.kind)
            table = metric.statistics(made.examples, made.predictions)
            assert np.isfinite(table).all()
            metric.score(table.sum(0))
        assert CliRunner().invoke(main, ["report", "--metric", "accuracy"]).exit_code == 0

    def test_a_study_without_any_answer_says_why_and_seals_nothing(self, home, monkeypatch):
        broken_null(monkeypatch, 1)
        done = run(*NULL, "--baseline", "majority", "--template", "plain,question")
        assert done.exit_code == 1
        assert "tiny" not in done.stdout
        assert "none of 60 items has an answer: the model's scores are not numbers" in done.stderr
        assert "Traceback" not in done.output
        assert [folder.name.split("-")[0] for folder in store.find(home / "results")] == ["majority"]

    def test_on_failure_error_ends_at_the_first(self, home, monkeypatch):
        broken_null(monkeypatch, 4)
        done = run(*NULL, "--on-failure", "error")
        assert done.exit_code == 1
        assert "has no answer: the model's scores are not numbers" in done.stderr
        done = run(*NULL, "--on-failure", "eror")
        assert done.exit_code == 2
        assert "Did you mean 'error'" in done.stderr

    def test_what_is_no_number_in_a_journal_is_asked_again(self, home):
        first = run(*NULL, "--format", "json")
        with sqlite3.connect(home / "results" / "journal.sqlite") as db:
            keys = [key for (key,) in db.execute("SELECT key FROM answers ORDER BY key")]
            bad = [(math.nan, "NaN"), (math.inf, "Infinity"), (-math.inf, "-Infinity")]
            for key, (value, written) in zip(keys, bad * 3, strict=False):
                row = json.loads(db.execute("SELECT answer FROM answers WHERE key = ?", (key,)).fetchone()[0])
                row["logprobs"] = [[value for _ in choice] for choice in row["logprobs"]]
                assert written in json.dumps(row)
                put(home / "results" / "journal.sqlite", {key: json.dumps(row)})
        db.close()
        (load,) = json.loads(run(*NULL, "--dry-run", "--format", "json").stdout)
        assert load["known"] == 60 - 9
        second = run(*NULL, "--format", "json")
        one, two = (json.loads(done.stdout)[0] for done in (first, second))
        assert one["metrics"] == two["metrics"]
        assert two["counts"]["ok"] == 60

    def test_the_gate_counts_failures_of_each_side(self, home, monkeypatch):
        broken_null(monkeypatch, 4)
        asked = ("--engine", "null", "--limit", "60", "--template", "question", "--against", "plain")
        for more in ((), ("--sequential", "--metric", "accuracy")):
            done = run(*asked, "--markdown", "gate.md", "--junit", "gate.xml", *more, command="check")
            assert done.exit_code in (0, 1, 3), done.output
            assert "Items without an answer, which count as wrong: " in done.stdout
            assert "Items without an answer" in (home / "gate.md").read_text()
        for more in ((), ("--sequential", "--metric", "accuracy")):
            done = run(*asked, "--on-failure", "error", *more, command="check")
            assert done.exit_code == 4
            assert "has no answer" in done.stderr
        broken_null(monkeypatch, 1)
        for more in ((), ("--sequential", "--metric", "accuracy")):
            done = run(*asked, "--results", "other", *more, command="check")
            assert done.exit_code == 4
            assert "items has an answer" in done.stderr

    def test_a_saved_baseline_keeps_what_failed(self, home, monkeypatch):
        broken_null(monkeypatch, 4)
        asked = ("--engine", "null", "--limit", "60", "--template", "plain")
        done = run(*asked, "--save", command="check")
        assert done.exit_code == 0, done.output
        monkeypatch.undo()
        monkeypatch.chdir(home)
        done = run("--engine", "null", "--template", "plain", command="check")
        assert "of the old side, 0 of the new one" in done.stdout
        assert "wrong: 0 of the old" not in done.stdout


def test_a_network_that_diverged_fails_and_is_not_sealed(home, monkeypatch):
    from harness.predictors import trained

    def diverged(network, *_):
        with torch.no_grad():
            for weight in network.module.parameters():
                weight.fill_(NAN)
        return [{"epoch": 1.0, "loss": NAN}]

    monkeypatch.setattr(trained, "train", diverged)
    done = run("--baselines-only", "--baseline", "majority,finetune:tiny", "--train-size", "8", "--limit", "8")
    assert done.exit_code == 1
    assert "none of 8 items has an answer: the model's scores are not numbers" in done.stderr
    assert len(store.find(home / "results")) == 1


def test_an_encoder_whose_vectors_are_no_numbers_is_told(monkeypatch):
    made = Encoder("minilm")
    monkeypatch.setattr(Encoder, "pooled", lambda self, texts: torch.full((len(texts), 4), NAN))
    with pytest.raises(HarnessError, match=r"'minilm'.*not numbers"):
        made.vectors(["one", "two"])
