"""What a field of a data row holds: text is text, numbers keep their form, and the rest is refused."""

import datetime
import decimal
import io
import math

import openpyxl
import pandas
import pyarrow
import pyarrow.parquet
import pytest
from tables import WANTED, excel, parquet, read

from harness.errors import InputError
from harness.kinds import values


class TestValues:
    @pytest.mark.parametrize(
        ("value", "text"),
        [
            ("", ""),
            ("nan", "nan"),
            (True, "true"),
            (False, "false"),
            (3, "3"),
            (3.0, "3"),
            (-0.5, "-0.5"),
            (1e300, "1e+300"),
            (decimal.Decimal("1.50"), "1.50"),
            (datetime.date(2024, 1, 2), "2024-01-02"),
            (datetime.datetime(2024, 1, 2, 3, 4), "2024-01-02 03:04:00"),
        ],
    )
    def test_text(self, value, text):
        assert values.text(value, "f, row 1", "x") == text

    @pytest.mark.parametrize(
        ("value", "message"),
        [
            (None, "null"),
            (math.nan, "not a number"),
            (math.inf, "not a number"),
            (decimal.Decimal("NaN"), "not a number"),
            (["a"], "a list: join it"),
            ({"a": 1}, "an object"),
            (b"a", "bytes: decode"),
            (1j, "of type complex"),
            ("a\ud83d", r"lone surrogate\) at place 2"),
            ("a\0", "a NUL character"),
        ],
    )
    def test_what_is_no_text_is_refused_with_its_row_and_field(self, value, message):
        with pytest.raises(InputError, match=f"f, row 1: field 'x' .*{message}"):
            values.text(value, "f, row 1", "x")

    def test_numbers_of_json_are_as_written(self, put):
        content = '{"text": 1.50, "n": -0.0, "big": 123456789012345678901, "x": 1e400, "label": 01.0}'
        (row,) = read(put("t.jsonl", content.replace("01.0", "1.0")))
        assert row == {"text": "1.50", "n": "-0.0", "big": "123456789012345678901", "x": "1e400", "label": "1.0"}
        (row,) = read(put("t.jsonl", '{"text": ' + "9" * 10_000 + ', "label": NaN}'))
        assert row["text"] == "9" * 10_000
        assert values.missing(row["label"])

    def test_integers_with_a_gap_stay_integers(self, put):
        table = pandas.DataFrame({"text": [1, None, 3], "label": pandas.array([0, None, 1], dtype="Int64"), "x": "a"})
        cells = [{"text": a, "label": b, "x": "a"} for a, b in ((1, 0), (None, None), (3, 1))]
        for name, content in (("t.parquet", parquet(table)), ("t.xlsx", excel(cells))):
            rows = read(put(name, content))
            assert [values.text(rows[i][k], "", k) for i in (0, 2) for k in WANTED] == ["1", "0", "3", "1"]
            assert all(values.missing(rows[1][k]) for k in WANTED)

    def test_kinds_of_parquet(self, put, tmp_path):
        table = pyarrow.table(
            {
                "single": pyarrow.array([0.1], pyarrow.float32()),
                "category": pyarrow.array(["a"]).dictionary_encode(),
                "large": pyarrow.array(["b"], pyarrow.large_string()),
                "fixed": pyarrow.array([decimal.Decimal("1.50")]),
                "truth": [True],
            }
        )
        pyarrow.parquet.write_table(table, tmp_path / "t.parquet")
        (row,) = read(tmp_path / "t.parquet", wanted=())
        assert {k: values.text(v, "", k) for k, v in row.items()} == {
            "single": "0.1",
            "category": "a",
            "large": "b",
            "fixed": "1.50",
            "truth": "true",
        }

    def test_kinds_of_cells(self, put):
        rows = [
            {"text": datetime.datetime(2024, 5, 6), "label": True, "n": 1.5},
            {"text": "#N/A", "label": "a", "n": 2},
        ]
        first, second = read(put("t.xlsx", excel(rows)))
        assert {k: values.text(v, "", k) for k, v in first.items()} == {
            "text": "2024-05-06",
            "label": "true",
            "n": "1.5",
        }
        assert second == {"text": None, "label": "a", "n": 2}

    def test_cells_without_a_column_and_empty_sheets_are_refused(self, put):
        book = openpyxl.Workbook()
        out = io.BytesIO()
        book.save(out)
        with pytest.raises(InputError, match="no sheet holds anything"):
            read(put("t.xlsx", out.getvalue()))
        book.active.append(["text", "label"])
        book.active.append([])
        book.active.append(["a", "x", "note"])
        out = io.BytesIO()
        book.save(out)
        with pytest.raises(InputError, match=r"sheet 'Sheet', row 3: 3 fields, where the header names 2"):
            read(put("t.xlsx", out.getvalue()))
