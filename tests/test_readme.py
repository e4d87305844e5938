"""The README as a new user follows it: its commands, its Python, its numbers."""

import json
import re
import shlex

import gpu
import pytest
from click.testing import CliRunner
from conftest import ROOT

from harness import calibration, predictors
from harness.cli import main
from harness.compare import differences
from harness.report import Table
from harness.results import store

TEXT = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", TEXT, flags=re.DOTALL)


def table(name, text=TEXT):
    return re.search(rf"<!-- table: {name} -->\n(.*?)<!-- end table -->", text, flags=re.DOTALL)[1].strip()


def cells(name, text=TEXT):
    """The rows of a table, without its header."""
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table(name, text).splitlines()[2:]]


def measured(name):
    return json.loads((ROOT / f"bench/results/{name}.json").read_text())


@pytest.mark.slow
def test_commands_and_python_run_as_pasted(home, capsys):
    commands = [shlex.split(line, comments=True) for block in blocks("sh") for line in block.splitlines() if line]
    assert len(commands) == 10
    for command, *args in commands:
        assert command == "harness"
        done = CliRunner().invoke(main, args)
        assert done.exit_code == 0, (args, done.stderr)
        assert done.stdout
    scripts = blocks("python")
    assert len(scripts) == 2
    for script in scripts:
        names = {}
        exec(script, names)
    shown = names["compare"]([names["linear"], names["few_shot"]])
    assert "tfidf-logreg" in shown._repr_html_()
    assert "dev-" in capsys.readouterr().out


def test_the_table_is_that_of_the_reference_runs():
    runs = [store.load(folder) for folder in store.find(ROOT / "results" / "reference", "finsentiment")]
    order = [*predictors.BASELINES, "prompt"]
    runs.sort(
        key=lambda run: (
            order.index(run.spec["predictor"]),
            run.spec["model"] != "tiny",
            run.spec["shots"] or 0,
            run.spec.get("calibration") or "",
        )
    )
    whole = Table(differences.compare(runs)).render("markdown")
    assert table("finsentiment") == whole.partition("\n\n<details>")[0]


def test_the_token_counts_are_those_of_the_bench():
    rows = [row for name in ("transformers", "vllm") for row in measured(f"tokens-{name}")]
    for line, row in zip(cells("tokens"), rows, strict=True):
        assert line[0].startswith(row["engine"].partition("-")[0])
        assert line[-3:] == [
            f"{row['submitted_tokens']:,}",
            f"{row['computed_tokens']:,}",
            f"{row['computed_over_trie']:.3f}",
        ]


def test_vllm_computes_the_least_that_whole_blocks_allow():
    rows = [row for row in measured("tokens-vllm") if row["least_in_blocks"]]
    assert len(rows) == 4
    for row in rows:
        assert row["computed_tokens"] == row["least_in_blocks"]


def test_the_rivals_figures_are_those_of_the_bench():
    rows = measured("vs_lm_eval")["settings"]
    shown = cells("lm_eval")
    assert len(shown) == len(rows)
    for line, row in zip(shown, rows, strict=True):
        sides = [row[of][who] for of in ("seconds", "computed_tokens") for who in ("ours", "lm_eval")]
        past = f"{row['ratio_of_items']:.1f}" if row["ratio_of_items"] else "–"
        assert (line[0], line[3]) == (row["engine"], f"{row['items']:,}")
        assert line[5:9] == [f"{sides[0]:.1f}", f"{sides[1]:.1f}", f"{row['ratio']:.1f}", past]
        assert line[9:] == [f"{count:,}" for count in sides[2:]]
        if row["accuracy"]:
            assert row["accuracy"]["ours"] == row["accuracy"]["lm_eval"]
            assert row["largest_difference"] < (1e-4 if row["model"] == "smollm2" else 1e-5)


def test_the_gpus_figures_are_those_of_the_bench():
    found = measured("gpu")
    assert table("gpu") == gpu.table(found["rows"])
    assert f"on one {found['machine'].partition(',')[0]}" in " ".join(TEXT.split())
    assert f"vLLM {found['vllm']} beside" in TEXT


def test_the_calibrations_figures_are_those_of_the_bench():
    text = (ROOT / "docs" / "answers.md").read_text(encoding="utf-8")
    shown = iter([cell for line in cells("calibration", text) for cell in line[2:]])
    runs = measured("calibration")["runs"]
    for run in runs:
        value, low, high = run["macro_f1"]
        assert next(shown) == f"{value:.3f} [{low:.3f}, {high:.3f}]"
    assert next(shown, None) is None
    assert [line[0] for line in cells("calibration", text)][::2] == list(dict.fromkeys(run["template"] for run in runs))
    named = set(re.findall(r"^\| `([a-z:]+)` \|", text, flags=re.MULTILINE))
    assert named == set(calibration.CALIBRATIONS)


def test_the_selectors_figures_are_those_of_the_bench():
    found = measured("selection")
    assert found["pool"] == 1_000_000
    for line, (name, row) in zip(cells("selection"), found["selectors"].items(), strict=True):
        recall = f"{row['recall']:.3f}" if "recall" in row else "–"
        assert line[2:] == [f"{row['ms_batch_64']:.1f}", f"{row['ms_batch_256']:.1f}", recall], name


def test_the_streams_figures_are_those_of_the_bench():
    runs = {run["items"]: run for run in measured("stream")["runs"]}
    said = " ".join(TEXT.split())
    for start, items in (("A million items pass through in", 1_000_000), ("10,000 in", 10_000)):
        gib, ms = runs[items]["peak_mib"] / 1024, runs[items]["microseconds_an_item"] / 1000
        assert re.search(rf"{start} {gib:.2f} GiB( of memory)?, {ms:.2f} ms each", said)


def test_the_start_and_the_bootstrap_take_what_the_benches_say():
    start, draws = measured("startup"), measured("bootstrap")
    said = " ".join(TEXT.split())
    assert f"{start['ratio']:.0f} times a bare interpreter's start, {start['help_s']:.2f} s here" in said
    assert f"take {draws['seconds']:.2f} s on one core, {round(draws['ratio'], -1)} times less than re-scoring" in said


def test_the_changelog_names_this_version():
    from importlib.metadata import version

    assert f"## {version('prompt-harness')}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
