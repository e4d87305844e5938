"""A table as a workbook: numbers are numbers, text is text, and both are those of the other formats."""

import io
import json

import pandas
import pytest
from hypothesis import given
from hypothesis import strategies as st
from runs import baseline, run
from workbooks import rows, sheets

from harness import escape
from harness.compare import differences
from harness.compare.differences import Price
from harness.errors import InputError
from harness.report import render
from harness.report.cells import footer, signatures


@pytest.fixture(scope="module")
def compared():
    made = [run("p", unparsed=3, mentioned="target"), run("q", hits=0.9, template="chat", draw=5), baseline()]
    return differences.compare(made, price=Price(2.0, 8.0))


def wanted(compared):
    """What JSON says of each row, by the titles of the workbook."""
    for said in json.loads(render([compared], "json")):
        gap = said["difference"] or dict.fromkeys(("value", "low", "high"))
        yield {
            **{f"macro-f1{end}": said["metrics"]["macro-f1"][part] for part, end in ENDS.items()},
            **{f"accuracy{end}": said["metrics"]["accuracy"][part] for part, end in ENDS.items()},
            **{f"difference{end}": gap[part] for part, end in ENDS.items()},
            **{"p": said["p"], "p (Holm)": said["p_adjusted"], "cost": said["cost"], "group": said["group"]},
            **{"seconds": said["usage"]["seconds"], "unparsed": said["counts"].get("unparsed", 0)},
            "tokens": said["usage"]["computed_tokens"] + said["usage"]["generated_tokens"],
        }


DIGITS = 1e-15  # a workbook holds 16 of them
ENDS = {"value": "", "low": ", low", "high": ", high"}


def test_reads_back_as_json_says(compared):
    found = rows(sheets(render([compared], "xlsx"))["news_task"])
    expected = list(wanted(compared))
    for row, each in zip(found, expected, strict=True):
        for key, value in each.items():
            same = pytest.approx(value, rel=DIGITS, abs=0) if isinstance(value, float) else value
            assert row[key] == same, key
    assert [row["predictor"] for row in found] == [row.title for row in compared.rows]


def test_reads_back_by_pandas(compared):
    frame = pandas.read_excel(io.BytesIO(render([compared], "xlsx")), sheet_name="news_task")
    for name in ("macro-f1", "macro-f1, low", "difference", "p (Holm)", "tokens", "seconds", "cost", "right", "wrong"):
        assert pandas.api.types.is_numeric_dtype(frame[name]), name
    expected = pandas.DataFrame(wanted(compared))
    pandas.testing.assert_frame_equal(frame[expected.columns], expected, check_dtype=False, rtol=DIGITS, atol=0)


def test_numbers_have_formats_and_the_header_stays_in_sight(compared):
    sheet = sheets(render([compared], "xlsx"))["news_task"]
    form = {cell.value: sheet.cell(2, cell.column).number_format for cell in sheet[1]}
    assert form["macro-f1"] == "0.000"
    assert form["difference"].startswith("+0.000;-0.000")
    assert '"<0.001"' in form["p"]
    assert form["tokens"] == "#,##0"
    assert sheet.freeze_panes == "B2"
    assert all(cell.font.bold for cell in sheet[1])
    assert sheet.column_dimensions["A"].width > len("some_model 5-shot (plain, balanced)")


def test_notes_and_signatures_are_on_a_sheet_of_their_own(compared):
    notes = rows(sheets(render([compared], "xlsx"))["notes"])
    assert [row["text"] for row in notes if row["kind"] == "note"] == footer(compared)
    assert [row["text"] for row in notes if row["kind"] == "signature"] == signatures(compared)
    assert {row["table"] for row in notes} == {"news_task"}


def test_each_table_has_a_sheet_whatever_the_tasks_are_called(compared):
    from dataclasses import replace

    names = ["notes", "History", "a/b:c*[d]", "x" * 40, "X" * 40, "'q'"]
    found = sheets(render([replace(compared, task=name) for name in names], "xlsx"))
    assert len(found) == 7
    assert list(found)[-1] == "notes"
    assert all(len(name) <= 31 and not set("[]:*?/\\'") & set(name) for name in found)
    assert len({name.lower() for name in found}) == 7


@given(st.text(max_size=30) | st.sampled_from(["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "=cmd|' /C calc'!A0", "1e5"]))
def test_text_is_never_a_formula_nor_a_number(name):
    cells = sheets(render([differences.compare([baseline(name or "x")])], "xlsx"))["news_task"]
    cell = cells["A2"]
    assert cell.data_type in ("s", "n") if cell.value is None else cell.data_type == "s"
    if cell.value is not None:
        assert cell.value == escape.line(differences.compare([baseline(name or "x")]).rows[0].title)
        assert cell.quotePrefix == (escape.csv(cell.value) != cell.value)


def test_secrets_are_left_out(compared, monkeypatch):
    from harness import secret

    monkeypatch.setattr(secret, "_known", set())
    monkeypatch.setattr(secret, "_telling", set())
    secret.keep("sk-abcdef0123456789")
    made = differences.compare([baseline("sk-abcdef0123456789")])
    assert b"abcdef0123456789" not in b"".join(
        str(cell.value).encode() for sheet in sheets(render([made], "xlsx")).values() for line in sheet for cell in line
    )


def test_says_what_to_install_where_openpyxl_is_missing(compared, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "openpyxl", None)
    with pytest.raises(InputError, match=r"prompt-harness\[excel\]"):
        render([compared], "xlsx")
