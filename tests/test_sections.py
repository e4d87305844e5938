"""A long table is read in groups: baselines, each model's prompts, answers made elsewhere."""

import csv
import io
import json
import re

import pytest
from runs import baseline, run
from workbooks import rows, sheets

from harness.compare import differences
from harness.report import render
from harness.report.sections import LONG, sections


def recorded():
    return run("r", predictor="recorded", model="gpt", template=None, answers="people.csv", calibration=None, draw=30)


def prompts(model, count, start=0):
    return [run(f"{model}{i}", shots=i, model=model, draw=start + i) for i in range(count)]


@pytest.fixture(scope="module")
def long():
    """Rows of all groups in no order: 14."""
    first, second = prompts("v1/llama", 5), prompts("v2/qwen", 5, 10)
    mixed = [recorded(), *first[:3], baseline(), *second, baseline("majority", hits=0.3, draw=9), *first[3:]]
    return differences.compare([*mixed, baseline("lora", hits=0.8, draw=11)])


def test_groups_are_in_order_and_rows_stay_in_theirs(long):
    found = {section.title: [row.title for row in section.rows] for section in sections(long)}
    assert list(found) == ["baselines", "llama", "qwen", "answers made elsewhere"]
    assert found["baselines"] == ["svm", "majority", "lora"]
    assert [title.split()[1] for title in found["llama"]] == [f"{i}-shot" for i in range(5)]
    assert sum(map(len, found.values())) == len(long.rows)


@pytest.mark.parametrize(("count", "headed"), [(LONG - 1, False), (LONG, True)])
def test_only_of_more_than_twelve_rows(count, headed):
    made = differences.compare([*prompts("m", count), baseline()])
    assert [bool(section.title) for section in sections(made)] == [headed] * (1 + headed)


def test_rows_of_one_group_have_no_heading():
    (only,) = sections(differences.compare(prompts("m", 14)))
    assert only.title == ""


def test_models_that_end_alike_are_told_apart():
    made = differences.compare([*prompts("v1/model", 7), *prompts("v2/model", 7, 20)])
    assert [section.title for section in sections(made)] == ["v1/model", "v2/model"]


def test_a_model_called_baselines_is_no_baseline():
    made = differences.compare([*prompts("x/baselines", 12), baseline()])
    assert [section.title for section in sections(made)] == ["baselines", "model baselines"]


def test_in_a_terminal_a_heading_stands_alone_and_rows_further_in(long):
    shown = render([long], "terminal")
    lines = [line.rstrip() for line in shown.split("\n\n")[0].split("\n")]
    assert [line.strip() for line in lines if line in (" baselines", " llama", " qwen", " answers made elsewhere")] == [
        section.title for section in sections(long)
    ]
    assert sum(line.startswith("   ") for line in lines) == len(long.rows)
    assert shown.count("Brackets: 95 % intervals") == 1


def test_in_markdown_a_heading_is_a_row(long):
    table = [line for line in render([long], "markdown").split("\n") if line.startswith("|")]
    assert len(table) == 2 + len(long.rows) + 4
    assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table}) == 1
    assert [line.split("**")[1] for line in table if "**" in line] == [s.title for s in sections(long)]


def test_in_html_a_group_is_a_body_with_its_heading(long):
    text = render([long], "html")
    assert text.count("<tbody>") == 4
    assert re.findall(r'scope="rowgroup" colspan="\d+">([^<]+)<', text) == [s.title for s in sections(long)]


def test_in_latex_a_heading_spans_the_table(long):
    text = render([long], "latex")
    width = text.split(r"\begin{tabular}{")[1].split("}")[0]
    assert text.count(rf"\multicolumn{{{len(width)}}}{{l}}") == text.count(r"\midrule") == 4
    assert text.count(": 120 items, the same for every row") == 1


def test_programs_get_the_group_as_a_field(long):
    wanted = [row["group"] for row in json.loads(render([long], "json"))]
    assert set(wanted) == {"baselines", "llama", "qwen", "answers made elsewhere"}
    assert [row["group"] for row in csv.DictReader(io.StringIO(render([long], "csv")))] == wanted
    assert [row["group"] for row in rows(sheets(render([long], "xlsx"))["news_task"])] == wanted
