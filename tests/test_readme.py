"""The README as a new user follows it: its commands, its Python, its numbers."""

import json
import re
import shlex

import pytest
from click.testing import CliRunner
from conftest import ROOT

from harness import compare, predictors, results
from harness.cli import main
from harness.report import Table

TEXT = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", TEXT, flags=re.DOTALL)


def table(name):
    return re.search(rf"<!-- table: {name} -->\n(.*?)<!-- end table -->", TEXT, flags=re.DOTALL)[1].strip()


@pytest.mark.slow
def test_commands_and_python_run_as_pasted(home, capsys):
    commands = [shlex.split(line, comments=True) for block in blocks("sh") for line in block.splitlines() if line]
    assert len(commands) == 9
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
    runs = [results.load(folder) for folder in results.find(ROOT / "results" / "reference", "finsentiment")]
    order = [*predictors.BASELINES, "prompt"]
    runs.sort(key=lambda run: (order.index(run.spec["predictor"]), run.spec["shots"] or 0))
    whole = Table(compare.compare(runs)).render("markdown")
    assert table("finsentiment") == whole.partition("\n\n<details>")[0]


def test_the_token_counts_are_those_of_the_bench():
    rows = [
        row
        for name in ("transformers", "vllm")
        for row in json.loads((ROOT / f"bench/results/tokens-{name}.json").read_text())
    ]
    lines = table("tokens").splitlines()[2:]
    assert len(lines) == len(rows)
    for line, row in zip(lines, rows, strict=True):
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        assert cells[0].startswith(row["engine"].partition("-")[0])
        assert cells[-3:] == [
            f"{row['submitted_tokens']:,}",
            f"{row['computed_tokens']:,}",
            f"{row['computed_over_trie']:.3f}",
        ]


def test_the_changelog_names_this_version():
    from importlib.metadata import version

    assert f"## {version('prompt-harness')}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
