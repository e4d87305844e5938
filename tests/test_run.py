"""Whole runs: twice, killed, resumed, sealed, compared."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pandas
import pytest
from click.testing import CliRunner

from harness.cli import main
from harness.compare import differences, groups
from harness.engines.transformers import NODES
from harness.errors import InputError
from harness.report import Table
from harness.results import store
from harness.study import grid
from harness.task import definition
from harness.types import Status

COMMAND = [sys.executable, "-m", "harness", "run", "--task", "finsentiment", "--shots", "5", "--format", "json"]


def rows(*args):
    done = CliRunner().invoke(main, ["run", "--format", "json", *args])
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)


def test_the_second_identical_run_computes_nothing(home):
    first, second = (subprocess.run(COMMAND, capture_output=True, text=True, check=True) for _ in range(2))
    (one,), (two,) = json.loads(first.stdout), json.loads(second.stdout)
    assert one["usage"]["trie_tokens"] <= one["usage"]["computed_tokens"] <= 1.15 * one["usage"]["trie_tokens"]
    assert two["usage"]["computed_tokens"] == 0
    assert {k: v for k, v in one.items() if k != "usage"} == {k: v for k, v in two.items() if k != "usage"}
    assert first.stderr == second.stderr == ""  # progress is quiet where stderr is no terminal


def test_rows_have_the_documented_fields(home):
    (row,) = rows("--task", "finsentiment", "--shots", "2", "--limit", "4")
    wanted = {
        "task",
        "predictor",
        "template",
        "selector",
        "shots",
        "model",
        "seed",
        "n",
        "metrics",
        "usage",
        "signature",
        "run",
    }
    assert wanted <= row.keys()
    counted = {"submitted_tokens", "computed_tokens", "trie_tokens", "generated_tokens", "retries", "seconds"}
    assert row["usage"].keys() == counted
    assert all(value.keys() == {"value", "low", "high"} for value in row["metrics"].values())
    for value in row["metrics"].values():
        assert value["value"] is None or value["low"] <= value["value"] <= value["high"]


def recorded(home):
    journal = home / "results" / "journal.sqlite"
    if not journal.exists():
        return {}
    try:
        with sqlite3.connect(f"file:{journal}?mode=ro", uri=True) as db:
            return dict(db.execute("SELECT key, answer FROM answers"))
    except sqlite3.OperationalError:  # not created yet
        return {}


def test_kill_9_in_the_middle_and_run_again(home):
    (whole,) = rows("--task", "finsentiment", "--shots", "5", "--results", "undisturbed")
    running = subprocess.Popen(COMMAND, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    deadline = time.monotonic() + 120
    while len(recorded(home)) < 20 and running.poll() is None and time.monotonic() < deadline:
        time.sleep(0.002)
    os.killpg(running.pid, signal.SIGKILL)
    running.wait()
    saved = recorded(home)
    assert 20 <= len(saved) < 300
    assert not list((home / "results").glob("finsentiment/*"))  # nothing half-written
    again = json.loads(subprocess.run(COMMAND, capture_output=True, text=True, check=True).stdout)[0]
    for name, value in whole["metrics"].items():
        assert again["metrics"][name]["value"] == pytest.approx(value["value"], abs=1e-6)
    spent = sum(json.loads(answer)["usage"][1] for answer in saved.values())
    assert recorded(home).keys() > saved.keys()
    assert all(recorded(home)[key] == answer for key, answer in saved.items())  # none answered anew
    # Once more after the restart: the head, and what is unfinished of the pass that was cut off, whose tokens all
    # stand with its first answer. No finished item.
    head = 400
    assert again["usage"]["computed_tokens"] + spent <= whole["usage"]["computed_tokens"] + head + NODES


def test_baselines_and_prompts_stand_in_one_paired_table(home):
    done = CliRunner().invoke(
        main,
        [
            "run",
            "--task",
            "finsentiment",
            "--shots",
            "0,2",
            "--baseline",
            "majority,tfidf-logreg",
            "--split",
            "dev",
            "--template",
            "plain",
            "--template",
            "chat",
        ],
    )
    assert done.exit_code == 0, done.stderr
    assert done.stdout.count("tiny 0-shot") == 2
    assert "reference" in done.stdout
    folders = store.find(home / "results")
    assert len(folders) == 6
    runs = [store.load(folder) for folder in folders]
    table = differences.compare(runs)
    best = max((r for r in runs if r.spec["predictor"] != "prompt"), key=lambda r: r.scores["macro-f1"][0])
    assert table.reference == groups.describe([best])
    for row in table.rows:
        if row.difference:
            assert row.difference.value == pytest.approx(row.score.value - best.scores["macro-f1"][0])
            assert row.difference.low <= row.difference.value <= row.difference.high
    for form in ("terminal", "markdown", "csv", "json", "html"):
        text = Table(table).render(form)
        assert "tfidf-logreg" in text
        assert "nan" not in text.lower()


def test_seeds_make_runs_of_their_own_only_where_something_is_drawn(home):
    made = rows("--task", "finsentiment", "--shots", "0,2", "--seed", "0,1", "--baseline", "majority", "--limit", "5")
    assert [(row["predictor"], row["shots"], row["seed"]) for row in made] == [
        ("majority", None, 0),
        ("prompt", 0, 0),
        ("prompt", 2, 0),
        ("prompt", 2, 1),
    ]


def test_generation_counts_what_it_cannot_parse(home):
    (row,) = rows("--task", "finsentiment", "--shots", "3", "--mode", "generate", "--split", "dev")
    failures = row["counts"].get("unparsed", 0)
    assert row["metrics"]["parse-failure-rate"]["value"] == pytest.approx(failures / 60)
    assert row["usage"]["generated_tokens"] >= 60
    (folder,) = store.find(home / "results")
    run = store.load(folder)
    for found in run.predictions:
        assert found.mentioned is None or found.status is Status.UNPARSED


def test_results_read_with_pandas(home):
    rows("--task", "finsentiment", "--limit", "10")
    (folder,) = store.find(home / "results")
    frame = pandas.read_parquet(folder / "predictions.parquet")
    document = json.loads((folder / "run.json").read_text())
    assert frame.correct.mean() == pytest.approx(document["metrics"]["accuracy"]["value"])
    assert len(frame) == 10


class TestSealed:
    @pytest.fixture
    def folder(self, home):
        made = definition.load("finsentiment")
        ((run, folder),) = grid.run(made, grid.Spec(baselines=("majority",)), [], home / "results")
        assert store.load(folder).predictions[0].output == run.predictions[0].output
        return folder

    def test_tampering_is_refused_by_name(self, folder):
        path = folder / "predictions.parquet"
        frame = pandas.read_parquet(path)
        frame.loc[0, "output"] = "positive"
        frame.to_parquet(path)
        with pytest.raises(InputError, match=r"predictions\.parquet: checksum"):
            store.load(folder)

    def test_damage_and_other_layouts_are_refused(self, folder):
        document = json.loads((folder / "run.json").read_text())
        (folder / "run.json").write_text(json.dumps({**document, "version": 99}))
        with pytest.raises(InputError, match="layout 99"):
            store.load(folder)
        (folder / "run.json").write_text("{")
        with pytest.raises(InputError, match="damaged"):
            store.load(folder)

    def test_a_sealed_run_is_left_as_it_is(self, folder, home):
        before = (folder / "run.json").read_bytes()
        ((_, again),) = grid.run(
            definition.load("finsentiment"), grid.Spec(baselines=("majority",)), [], home / "results"
        )
        assert again == folder
        assert (folder / "run.json").read_bytes() == before

    def test_runs_over_other_items_are_not_compared(self, folder, home):
        made = definition.load("finsentiment")
        ((other, _),) = grid.run(made, grid.Spec(baselines=("majority",), limit=50), [], home / "results")
        with pytest.raises(InputError, match="items_hash"):
            differences.compare([store.load(folder), other])
        assert len(groups.comparable([store.load(folder), other])) == 2

    def test_nothing_is_left_beside_a_sealed_run(self, folder):
        assert [p.name for p in folder.parent.iterdir()] == [folder.name]
        assert sorted(p.name for p in folder.iterdir()) == ["predictions.parquet", "run.json"]


@pytest.mark.slow
def test_an_installed_wheel_runs_in_an_empty_folder(tmp_path):
    root = Path(__file__).resolve().parent.parent
    source = tmp_path / "source"
    skip = shutil.ignore_patterns(".git", ".venv", "*_cache", "__pycache__")
    own = {str(root): {"results"}}  # not those of the package
    shutil.copytree(root, source, ignore=lambda folder, names: skip(folder, names) | own.get(str(folder), set()))
    build = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        str(tmp_path),
        str(source),
    ]
    subprocess.run(build, check=True)
    (wheel,) = tmp_path.glob("prompt_harness-*.whl")
    site, empty = tmp_path / "site", tmp_path / "empty"
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(site), str(wheel)], check=True
    )
    shutil.rmtree(source)
    empty.mkdir()
    script = [sys.executable, "-m", "harness", "run", "--task", "finsentiment", "--shots", "0,5", "--format", "json"]
    done = subprocess.run(
        script, cwd=empty, env={**os.environ, "PYTHONPATH": str(site)}, capture_output=True, text=True, check=True
    )
    assert [row["shots"] for row in json.loads(done.stdout)] == [0, 5]
    where = "import harness; print(harness.__file__)"
    found = subprocess.run(
        [sys.executable, "-c", where],
        cwd=empty,
        env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.startswith(str(site))
