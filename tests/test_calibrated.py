"""Calibration in prompts, studies and the gate: what it asks, what it costs, and what the row says."""

import json
import math
import shutil

import numpy as np
import pytest
from click.testing import CliRunner
from conftest import ROOT

from harness import calibration
from harness.api import evaluate
from harness.cli import main
from harness.engines.journal import Journal
from harness.errors import InputError
from harness.predictors.prompted import Prompted
from harness.prompt import template
from harness.prompt.selectors import create as selector
from harness.results import store
from harness.task import budgets


def prompted(tiny, task, shots=3, **params):
    return Prompted(template.load("plain", task), tiny, selector("balanced"), shots, **params)


def rows(predictions):
    return {p.example_id: np.array(p.label_logprobs) for p in predictions}


def invoke(*args):
    return CliRunner().invoke(main, [str(arg) for arg in args])


@pytest.fixture(scope="module")
def items(finsentiment):
    return finsentiment.examples("dev")[:24]


@pytest.mark.parametrize("name", ["batch", "batch:log"])
def test_batch_takes_off_the_mean_over_train_inputs(name, tiny, finsentiment, items):
    """By hand: the rows of the very train items that are sampled, asked as items by a prompt without calibration."""
    train = finsentiment.examples("train")
    plain = prompted(tiny, finsentiment).fit(train)
    shown = {demo.id for demo in plain._select.shared()}
    rest = [example for example in train if example.id not in shown]
    sample = [rest[place] for place in budgets.by_ids([e.id for e in rest], 20)]
    assert shown.isdisjoint(example.id for example in sample)
    stated = np.stack(list(rows(plain.predict(sample)).values()))
    bias = np.log(np.exp(stated).mean(0)) if name == "batch" else stated.mean(0)
    found = rows(prompted(tiny, finsentiment, calibrate=name, calibrate_on="train:20").fit(train).predict(items))
    for key, row in rows(plain.predict(items)).items():
        mended = row - bias
        np.testing.assert_allclose(found[key], mended - np.log(np.exp(mended).sum()), atol=1e-4)


@pytest.mark.parametrize("name", calibration.CALIBRATIONS)
def test_answers_are_the_likeliest_mended_label_and_nothing_known_is_asked_again(
    name, tiny, finsentiment, items, tmp_path
):
    train = finsentiment.examples("train")[:90]
    with Journal(tmp_path / "journal.sqlite") as journal:
        raw = list(prompted(tiny, finsentiment, journal=journal).fit(train).predict(items))
        made = prompted(tiny, finsentiment, journal=journal, calibrate=name, calibrate_on="train:30").fit(train)
        first, again = list(made.predict(items)), list(made.predict(items))
    assert {p.example_id for p in first} == {e.id for e in items}
    labels = finsentiment.kind.outputs
    for found in first:
        assert found.output == labels[int(np.argmax(found.label_logprobs))]
        assert math.fsum(map(math.exp, found.label_logprobs)) == pytest.approx(1)
    assert rows(first).keys() == rows(raw).keys()
    assert any(not np.allclose(rows(first)[key], row, atol=1e-3) for key, row in rows(raw).items())
    # The items' answers are the raw row's: only what the calibration itself asks was computed.
    asked = made._calibrated.asks(train, made._sample, list(finsentiment.spec.inputs))
    longest = max(len(each.prompt) for each in made.begin().requests.values())
    assert 0 < sum(p.trace.usage.computed for p in first) <= longest * len(asked) * 3
    assert sum(p.trace.usage.computed for p in again) == 0
    assert all((rows(again)[key] == row).all() for key, row in rows(first).items())


def test_on_test_it_is_estimated_on_the_items_and_says_so(tiny, finsentiment, items):
    train = finsentiment.examples("train")
    plain = rows(prompted(tiny, finsentiment).fit(train).predict(items))
    made = prompted(tiny, finsentiment, calibrate="batch:log", calibrate_on="test").fit(train)
    found = rows(made.predict(items))
    bias = np.stack(list(plain.values())).mean(0)
    for key, row in plain.items():
        mended = row - bias
        np.testing.assert_allclose(found[key], mended - np.log(np.exp(mended).sum()), atol=1e-4)
    assert made.settings["calibration"] == "batch:log on test"
    assert "calibrate_on:test" in str(made.signature)


def test_a_score_by_tokens_and_by_bytes_is_the_stored_one_divided(tiny, finsentiment, items):
    train = finsentiment.examples("train")
    words = finsentiment.kind.outputs
    for way, lengths in (("tokens", None), ("bytes", [len(word.encode()) for word in words])):
        for found in prompted(tiny, finsentiment, normalize=way).fit(train).predict(items):
            stored = found.trace.choice_logprobs
            divisors = [len(c) for c in stored] if lengths is None else lengths
            row = np.array([sum(c) / n for c, n in zip(stored, divisors, strict=True)])
            np.testing.assert_allclose(found.label_logprobs, row - np.log(np.exp(row).sum()), atol=1e-9)


@pytest.mark.parametrize(
    ("params", "says"),
    [
        ({"calibrate": "bach"}, "Did you mean 'batch'"),
        ({"calibrate": "batch", "calibrate_on": "dev"}, r"train:N \(such as train:64\), train or test"),
        ({"calibrate": "batch", "calibrate_on": "train:0"}, "train:N"),
        ({"calibrate": "supervised", "calibrate_on": "test"}, "learns from labels"),
        ({"calibrate": "batch", "mode": "generate"}, "Use --mode score"),
        ({"normalize": "words"}, "unknown normalization"),
    ],
)
def test_what_cannot_be_is_refused(params, says, tiny, finsentiment):
    with pytest.raises(InputError, match=says):
        prompted(tiny, finsentiment, **params)


def test_each_way_of_reading_has_its_own_signature(tiny, finsentiment):
    ways = [{}, {"normalize": "tokens"}, *({"calibrate": name} for name in calibration.CALIBRATIONS)]
    ways += [{"calibrate": "batch", "calibrate_on": on} for on in ("train:8", "train", "test")]
    assert len({str(prompted(tiny, finsentiment, **way).signature) for way in ways}) == len(ways)
    # What is made up does not hang on what a sample would be drawn from.
    one, two = (prompted(tiny, finsentiment, calibrate="pmi", calibrate_on=on).signature for on in ("train", "test"))
    assert one == two


def test_a_study_has_a_row_for_each_and_counts_what_it_asks(home):
    command = ["run", "--task", "finsentiment", "--shots", 2, "--limit", 30, "--calibrate", "none,batch,contextual"]
    dry = json.loads(invoke(*command, "--dry-run", "--format", "json").output)
    done = invoke(*command, "--format", "json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert [row["calibration"] for row in found] == [None, "batch", "contextual"]
    assert [row["row"].split("(")[1] for row in found] == [
        "plain, balanced)", "plain, balanced, batch)", "plain, balanced, contextual)",
    ]  # fmt: skip
    assert dry[0]["prompts"] == 3 * 30 + 64 + 3
    assert sum(row["usage"]["computed_tokens"] for row in found) == dry[0]["missing"]
    again = json.loads(invoke(*command, "--format", "json").stdout)
    assert not any(row["usage"]["computed_tokens"] for row in again)


def test_a_gate_reads_both_sides_alike_and_its_baseline_holds_how(home):
    shutil.copytree(ROOT / "prompts" / "finsentiment", home / "prompts" / "finsentiment")
    check = ("check", "--task", "finsentiment", "--template", "plain", "--limit", 40, "--margin", 0.2)
    assert invoke(*check, "--save", "--calibrate", "batch", "--calibrate-on", "train:16").exit_code == 0
    kept = json.loads((home / "prompts" / "finsentiment" / "plain.baseline.json").read_text())
    assert (kept["question"]["calibrate"], kept["question"]["calibrate_on"]) == ("batch", "train:16")
    assert invoke(*check).exit_code == 0  # asked as it was when it was saved
    other = invoke(*check, "--calibrate", "none")
    assert other.exit_code == 2
    assert "its calibrate is batch, but here it is None" in other.stderr


def test_the_python_interface_takes_it(tiny, finsentiment):
    made = prompted(tiny, finsentiment, calibrate="contextual")
    run = evaluate(made, finsentiment, limit=12)
    assert run.usage["computed_tokens"] > 0
    assert run.spec["calibration"] == "contextual"


def test_reliability_stands_beside_calibrated_rows(home):
    def table(*calibrations):
        line = ["run", "--task", "finsentiment", "--limit", "60", "--baseline", "majority", "--format", "markdown"]
        done = CliRunner().invoke(main, [*line, "--calibrate", ",".join(calibrations)])
        assert done.exit_code == 0, done.output
        titles, _, *rows = [line.strip("| ").split(" | ") for line in done.stdout.splitlines() if line.startswith("|")]
        return titles, rows, done.stdout

    titles, rows, text = table("none", "batch")
    runs = [store.load(folder) for folder in store.find(home / "results")]
    for row in rows:
        (run,) = (
            r
            for r in runs
            if (r.spec["predictor"] == "majority") == (row[0] == "majority")
            and bool(r.spec.get("calibration")) == ("batch" in row[0])
        )
        assert row[titles.index("ece")] == f"{run.scores['ece'][0]:.3f}"
    assert "To see it before calibration" not in text
    assert "To see it before calibration, too: --calibrate none,…" in table("batch")[2]
    assert "ece" not in table("none")[0]
