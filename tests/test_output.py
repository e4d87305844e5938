"""Where a table goes: the screen, or a file in the format that its ending says."""

import json

import openpyxl
import pytest
from click.testing import CliRunner
from runs import baseline, run

from harness.cli import main
from harness.cli.table import ENDINGS
from harness.results import store


def invoke(*args):
    return CliRunner().invoke(main, [str(arg) for arg in args])


@pytest.fixture
def sealed(home):
    for each in (run(), baseline()):
        store.seal(each, home / "results")
    return home


BEGINS = {
    **{".txt": b" predictor", ".md": b"| predictor |", ".tex": b"% some_model", ".htm": b"<!DOCTYPE html>"},
    **{".html": b"<!DOCTYPE html>", ".csv": b"task,predictor", ".json": b"[\n", ".xlsx": b"PK"},
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_the_ending_says_the_format(sealed, ending):
    path = sealed / "made" / f"table{ending}"
    done = invoke("report", "--output", path)
    assert (done.exit_code, done.stdout) == (0, "")
    assert done.stderr == f"Wrote {path}\n"
    assert path.read_bytes().lstrip(b"\n").startswith(BEGINS[ending])
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_the_file_holds_what_is_printed(sealed):
    for form in ("terminal", "markdown", "json", "csv", "latex", "html"):
        printed = invoke("report", "--format", form).stdout
        invoke("report", "--format", form, "--output", "table")
        assert (sealed / "table").read_text() == printed


def test_a_format_outranks_the_ending(sealed):
    assert invoke("report", "--format", "json", "--output", "table.md").exit_code == 0
    assert len(json.loads((sealed / "table.md").read_text())) == 2


def test_capital_letters_are_an_ending_too(sealed):
    assert invoke("report", "--output", "TABLE.XLSX").exit_code == 0
    assert "news_task" in openpyxl.load_workbook(sealed / "TABLE.XLSX").sheetnames


@pytest.mark.parametrize("name", ["table", "table.pdf", ".xlsx"])
def test_an_ending_that_says_nothing_is_refused(sealed, name):
    done = invoke("report", "--output", name)
    assert done.exit_code == 2
    assert "Give --format" in done.stderr
    assert ".xlsx" in done.stderr


@pytest.mark.parametrize("command", [("report",), ("run", "--task", "pets")])
def test_a_workbook_needs_a_file_and_the_command_is_told(sealed, command):
    done = invoke(*command, "--format", "xlsx")
    assert done.exit_code == 2
    assert f"harness {command[0]} --output table.xlsx" in done.stderr.replace("\n", " ")
    assert done.stdout == ""


def test_what_stood_there_stays_where_the_table_cannot_be_made(sealed):
    path = sealed / "table.html"
    path.write_text("kept")
    assert invoke("report", "--metric", "no-such-metric", "--output", path).exit_code == 2
    assert path.read_text() == "kept"


def test_run_writes_it_too(project):
    done = invoke("run", "--task", "pets", "--baseline", "majority", "--baselines-only", "--output", "table.xlsx")
    assert (done.exit_code, done.stdout) == (0, ""), done.stderr
    assert openpyxl.load_workbook(project / "table.xlsx")["pets"]["A2"].value == "majority"


def test_variance_and_a_dry_run_are_written_alike(sealed, project):
    for seed in (1, 2):
        store.seal(run(seed=seed, draw=seed), sealed / "results")
    assert invoke("report", "--variance", "--output", "v.json").exit_code == 0
    assert json.loads((sealed / "v.json").read_text())
    done = invoke("run", "--task", "pets", "--dry-run", "--output", "d.json")
    assert (done.exit_code, done.stdout) == (0, "")
    assert json.loads((project / "d.json").read_text())[0]


def test_a_study_does_not_keep_where_its_table_went(project):
    done = invoke(
        *("run", "--task", "pets", "--baseline", "majority", "--baselines-only"),
        *("--output", "table.md", "--write", "study.yaml"),
    )
    assert done.exit_code == 0
    assert "output" not in (project / "study.yaml").read_text()
