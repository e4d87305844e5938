"""`harness tune`: what is dropped, how often wrongly, what choosing adds to a score, and the real command."""

import json
import shlex
from pathlib import Path

import numpy as np
import pytest
import yaml
from click.testing import CliRunner
from scipy import stats

from harness import metrics
from harness.cli import main
from harness.compare import race
from harness.kinds.classification import Classification
from harness.results import store
from harness.types import Example, Prediction

KIND = Classification(labels=["a", "b"])
ACCURACY = metrics.create("accuracy", KIND)
ITEMS = 640


def invoke(*args):
    return CliRunner().invoke(main, [str(arg) for arg in args])


def drawn(seed, accuracies, n=ITEMS):
    """Candidates of these accuracies that find the same items hard: (n, 2) statistics of each."""
    rng = np.random.default_rng(seed)
    hard = rng.normal(size=n)
    latent = [0.7 * hard + np.sqrt(1 - 0.7**2) * rng.normal(size=n) for _ in accuracies]
    hits = [z < stats.norm.ppf(accuracy) for z, accuracy in zip(latent, accuracies, strict=True)]
    return [[np.stack([each.astype(float), np.ones(n)], axis=1)] for each in hits]


def raced(candidates, n=ITEMS, sizes=(20, 40, 80, 160, 320, 640)):
    """The candidates that are left after all rounds, and the answers that were asked for."""
    alpha, left, asked, before = race.each(len(candidates), len(sizes)), list(range(len(candidates))), 0, 0
    for size in sizes:
        asked, before = asked + len(left) * (size - before), size
        gaps = race.behind(ACCURACY, "accuracy", [[t[:size] for t in candidates[k]] for k in left], alpha)
        left = [k for k, gap in zip(left, gaps, strict=True) if gap is None or not gap.high < 0]
    return left, asked


@pytest.mark.slow
def test_the_best_is_dropped_once_in_twenty_at_most_even_among_its_equals():
    draws = 300
    lost = sum(0 not in raced(drawn(seed, [0.7] * 6, 160), 160, (20, 40, 80, 160))[0] for seed in range(draws))
    assert lost / draws <= race.ALPHA + 2 * np.sqrt(0.05 * 0.95 / draws)


@pytest.mark.slow
def test_a_planted_best_is_found_with_fewer_answers():
    draws, found, spent = 60, 0, 0
    for seed in range(draws):
        candidates = drawn(seed, [0.7, *[0.58] * 7])
        left, asked = raced(candidates)
        found += left[race.leader(ACCURACY, "accuracy", [candidates[k] for k in left])] == 0
        spent += asked
    assert found / draws >= 0.95
    assert spent / (draws * 8 * ITEMS) < 0.75


@pytest.mark.slow
def test_optimism_is_most_of_what_choosing_added():
    added, told = [], []
    for seed in range(100):
        candidates = drawn(seed, [0.7] * 10, 200)
        best = race.leader(ACCURACY, "accuracy", candidates)
        added.append(race.value(ACCURACY, "accuracy", candidates[best]) - 0.7)
        told.append(race.optimism(ACCURACY, "accuracy", candidates))
    assert (
        np.mean(added) / 2 < np.mean(told) < np.mean(added)
    )  # bootstrapping a maximum tells too little, never too much


def test_one_candidate_owes_nothing_to_being_chosen_and_equals_drop_none():
    (one,) = drawn(0, [0.7], 40)
    assert race.optimism(ACCURACY, "accuracy", [one]) == 0.0
    gaps = race.behind(ACCURACY, "accuracy", [one, one, one], 0.01)
    assert gaps[0] is None
    assert all(gap.value == 0 and gap.low < 0 < gap.high for gap in gaps[1:])


def test_of_losses_the_smallest_leads():
    kind = Classification(labels=["1", "2", "3"], order=True)
    error = metrics.create("mae", kind)
    examples = [Example(str(i), {}, "1") for i in range(60)]

    def said(label):
        return [error.statistics(examples, [Prediction(e.id, label) for e in examples])]

    far, right, near = said("3"), said("1"), said("2")
    assert race.leader(error, "mae", [far, right, near]) == 1
    gaps = race.behind(error, "mae", [far, right, near], 0.01)
    assert gaps[0].value < gaps[2].value < 0
    assert gaps[0].high < 0


@pytest.fixture
def tuned(served, project):
    """The words that choose between ``plain``, which is right, and ``loud``, which is always wrong."""
    folder = project / "tasks" / "pets"
    rows = [(f"dev {sound} {i} in the {i % 7} garden", label) for i in range(40) for sound, label in [ANIMALS[i % 2]]]
    lines = (json.dumps({"id": f"dev-{i}", "text": text, "label": label}) for i, (text, label) in enumerate(rows))
    (folder / "dev.jsonl").write_text("\n".join(lines) + "\n")
    spec = folder / "task.yaml"
    spec.write_text(spec.read_text().replace("test: test", "dev: dev.jsonl, test: test"))
    return ["tune", "--task", "pets", "--template", "loud,plain", *served]


ANIMALS = [("bark", "dog"), ("meow", "cat")]


def test_what_is_surely_worse_is_asked_no_more(tuned, server):
    out = invoke(*tuned, "--format", "json", "--baseline", "majority", "--incumbent", "template=loud")
    assert out.exit_code == 0, out.output
    found = json.loads(out.stdout)
    first, second = found["rounds"]
    assert [first["n"], second["n"]] == [20, 40]
    assert [(each["title"], each["dropped"]) for each in first["standings"]] == [
        ("parrot 0-shot (plain)", False),
        ("parrot 0-shot (loud)", True),
    ]
    assert first["standings"][1]["behind"]["high"] < 0
    assert len(second["standings"]) == 1
    assert (found["asked"], found["whole"], found["candidates"]) == (60, 80, 2)
    assert found["setting"]["template"] == "plain"
    asked = [str(body["prompt"]).splitlines()[-1] for body in server.bodies]
    assert sum("dev" in line and "loud" in line for line in asked) == 20
    assert sum("dev" in line and "loud" not in line for line in asked) == 40
    # The report: the winner, what is used today, and the baseline, on test.
    assert [each["title"].partition(",")[0] for each in found["against"]] == ["parrot 0-shot (loud)", "majority"]
    assert found["against"][0]["difference"]["value"] == 1.0
    assert {run["n"] for run in found["test"]} == {10}


def test_the_winner_is_a_study_that_runs_again(tuned):
    out = invoke(*tuned, "--shots", "0,2", "--seed", "0,1", "--write", "winner.yaml")
    assert out.exit_code == 0, out.output
    line = out.stdout.strip().splitlines()[-1]
    words = shlex.split(line)
    assert words[:2] == ["harness", "run"]
    before = {folder.name for folder in store.find(Path("results"))}
    assert invoke(*words[1:]).exit_code == 0
    assert invoke("run", "winner.yaml").exit_code == 0
    assert {folder.name for folder in store.find(Path("results"))} == before  # its runs on test are sealed already
    assert yaml.safe_load(Path("winner.yaml").read_text())["template"] == "plain"
    assert "The incumbent is the best: parrot 0-shot (plain)." in out.stdout


def test_markdown_says_what_was_dropped_and_when(tuned):
    out = invoke(*tuned, "--format", "markdown", "--incumbent", "template=loud")
    assert "| parrot 0-shot (loud) | 0.000 |" in out.stdout
    assert "dropped: surely worse" in out.stdout
    assert "Asked for 60 of the 80 answers of the whole grid" in out.stdout


def test_nothing_is_chosen_where_it_would_be_worth_nothing(project, served):
    out = invoke("tune", "--task", "pets", *served)
    assert out.exit_code == 2
    assert "has no split 'dev'" in out.stderr
    assert "dev.jsonl" in out.stderr
    for split, why in (("test", "the report is on it"), ("train", "demonstrations")):
        out = invoke("tune", "--task", "pets", "--on", split, *served)
        assert out.exit_code == 2
        assert why in out.stderr


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("templat=plain", "Did you mean 'template'"),
        ("shots=many", "whole number"),
        ("model=ours", "unknown model 'ours'"),
    ],
)
def test_an_incumbent_that_is_none_is_told(home, said, told):
    out = invoke("tune", "--task", "finsentiment", "--incumbent", said)
    assert out.exit_code == 2
    assert told in out.stderr


def test_an_unknown_format_is_told_before_anything_runs(home):
    out = invoke("tune", "--task", "finsentiment", "--format", "csv")
    assert out.exit_code == 2
    assert "format of tune" in out.stderr
    assert not Path("results").exists()


@pytest.mark.slow
def test_a_real_model_is_tuned_on_a_real_task(home):
    words = ["--template", "plain,letters", "--shots", "0,2", "--calibrate", "none,batch", "--limit", "60"]
    out = invoke("tune", "--task", "finsentiment", *words, "--baseline", "tfidf-logreg", "--format", "json")
    assert out.exit_code == 0, out.output
    found = json.loads(out.stdout)
    assert [each["n"] for each in found["rounds"]] == [30, 60]
    assert found["candidates"] == 8
    assert 0 < found["asked"] <= found["whole"] == 480
    assert found["computed"] == sum(each["computed"] for each in found["rounds"]) > 0
    assert 0 < found["optimism"] < 0.2
    assert {run["n"] for run in found["test"]} == {60}
    again = json.loads(
        invoke("tune", "--task", "finsentiment", *words, "--baseline", "tfidf-logreg", "--format", "json").stdout
    )
    assert (again["computed"], again["full"]) == (0, 0)  # the journal knows all of it
    assert again["setting"] == found["setting"]
