"""The reader of labelled tables: every format gives the same rows, and no input gives a traceback."""

import bz2
import codecs
import csv
import datetime
import decimal
import gzip
import io
import json
import lzma
import math
import os
import random

import openpyxl
import pandas
import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import HarnessError, InputError
from harness.kinds import values
from harness.task import encodings, files

ROWS = [
    {"text": 'she said "no", twice', "label": "cat"},
    {"text": "two\nlines; a\ttab | and é", "label": "dog"},
    {"text": "", "label": "cat"},
    {"text": "100 %", "label": "dog"},
]
TABLE = pandas.DataFrame(ROWS)
WANTED = ("text", "label")


def delimited(delimiter=",", encoding="utf-8", rows=ROWS):
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode(encoding)


def lines(rows=ROWS):
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def array(rows=ROWS):
    return json.dumps(rows, indent=1).encode()


def parquet(table=TABLE):
    out = io.BytesIO()
    table.to_parquet(out)
    return out.getvalue()


def excel(rows=ROWS, before=()):
    book = openpyxl.Workbook()
    for title in before:
        book.create_sheet(title, 0)
        book[title].append(["what this is"])
    sheet = book.worksheets[-1]
    sheet.append(list(rows[0]))
    for row in rows:
        sheet.append(list(row.values()))
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


@pytest.fixture
def put(tmp_path):
    def put(name, content):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return put


def read(path, encoding=None, wanted=WANTED):
    return [dict(row) for _, row in files.read(path, encoding, wanted).rows]


def texts(path, **options):
    """The rows as text; an empty cell of a workbook is the empty text here."""
    found = files.read(path, options.get("encoding"), WANTED)
    return [{k: "" if v is None else values.text(v, where, k) for k, v in row.items()} for where, row in found.rows]


SAME = {
    "rows.csv": delimited(),
    "rows.tsv": delimited("\t"),
    "rows.CSV": delimited(";"),
    "pipes.csv": delimited("|"),
    "tilde.txt": delimited("~"),
    "commas.tsv": delimited(","),
    "mark.csv": codecs.BOM_UTF8 + delimited(),
    "wide.csv": delimited("\t", "utf-16"),
    "wider.csv": delimited(",", "utf-32"),
    "rows.jsonl": lines(),
    "rows.ndjson": codecs.BOM_UTF8 + lines(),
    "wide.jsonl": lines().decode().encode("utf-16"),
    "array.json": array(),
    "array.jsonl": array(),
    "lines.json": lines(),
    "blank.jsonl": b"\n\n" + lines().replace(b"\n", b"\r\n\r\n"),
    "rows.csv.gz": gzip.compress(delimited()),
    "rows.jsonl.bz2": bz2.compress(lines()),
    "rows.json.xz": lzma.compress(array()),
    "rows.parquet": parquet(),
    "rows.xlsx": excel(),
    "second-sheet.xlsx": excel(before=["About"]),
}


@pytest.mark.parametrize("name", SAME)
def test_every_format_gives_the_same_rows(put, name):
    assert texts(put(name, SAME[name])) == ROWS


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("rows.CSV", "delimiter ';', utf-8"),
        ("wide.csv", "delimiter tab, utf-16"),
        ("second-sheet.xlsx", "Excel, sheet 'Sheet'"),
        ("array.jsonl", "a JSON array, utf-8"),
        ("rows.parquet", "Parquet"),
    ],
)
def test_what_was_found_is_said(put, name, said):
    assert files.read(put(name, SAME[name]), None, WANTED).found == said


@settings(max_examples=40)
@given(
    st.lists(st.fixed_dictionaries({"text": st.text(), "label": st.sampled_from(["a", "b"])}), min_size=1, max_size=5),
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]),
)
def test_what_csv_writes_is_read_back(tmp_path_factory, rows, delimiter, encoding):
    rows = [{k: v.replace("\0", "").encode(errors="ignore").decode() for k, v in row.items()} for row in rows]
    path = tmp_path_factory.mktemp("csv") / "t.csv"
    out = io.StringIO()
    writer = csv.DictWriter(out, ["text", "label"], delimiter=delimiter, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    path.write_bytes(out.getvalue().encode(encoding))
    assert read(path) == rows


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("cp1252", "L’été coûte 5 € – « déjà »"),
        ("cp1252", "Schöne Grüße aus Köln"),
        ("cp1252", "El niño volverá mañana, ¿no?"),
        ("cp1250", "Zażółć gęślą jaźń, dostawa była szybka"),
        ("cp1251", "Отличный фильм, всем советую"),
        ("koi8_r", "Доставка заняла слишком много времени"),
        ("gb18030", "公司利润大幅增长，股价上涨"),
        ("big5", "這部電影非常好看，值得一看"),
        ("cp932", "この映画はとても面白かったです"),
        ("cp949", "이 영화는 정말 재미있었습니다"),
        ("utf-8", "Отличный 公司 film"),
        ("utf-16-le", "plain words"),
        ("utf-16-be", "plain words"),
        ("utf-16", "公司利润"),
    ],
)
def test_encodings_are_found(put, encoding, text):
    rows = [{"text": f"{text} {i}", "label": "ab"[i % 2]} for i in range(24)]
    path = put("t.csv", delimited(",", encoding, rows))
    assert read(path, files.guess(path)) == rows


def test_a_damaged_byte_in_utf_8_makes_it_no_other_encoding(put):
    path = put("t.csv", "text,label\n公司利润大幅增长,a\n".encode() * 30 + b"\xff,b\n")
    with pytest.raises(InputError, match="line 61: byte 1140 is not utf-8"):
        read(path, files.guess(path))


@pytest.mark.parametrize("name", ["utf-8", "UTF-8", "utf8", "utf_8", "U8", "utf-8-sig"])
def test_names_of_utf_8_are_one_and_all_drop_the_mark(put, name):
    assert read(put("t.csv", codecs.BOM_UTF8 + delimited()), name) == ROWS


@pytest.mark.parametrize(
    ("name", "nearest"), [("utf-9", "utf-8"), ("latn-1", "latin-1"), ("cp125", "cp125"), ("rot13", ""), ("x\0", "")]
)
def test_unknown_encodings_name_the_nearest(put, name, nearest):
    with pytest.raises(InputError, match=f"unknown encoding.*{nearest}"):
        read(put("t.csv", delimited()), name)
    assert encodings.codec("Latin-1") == "iso8859-1"


def test_an_encoding_that_is_said_wins(put):
    path = put("t.jsonl", '{"text": "ÿþ", "label": "a"}'.encode("latin-1"))
    assert read(path, "latin-1") == [{"text": "ÿþ", "label": "a"}]
    assert read(path, "cp1251") == [{"text": "яю", "label": "a"}]
    with pytest.raises(InputError, match=r"line 1: byte 0 is not utf-8\. It reads as utf-16"):
        read(put("t.csv", delimited(encoding="utf-16")), "utf-8")


def test_the_place_that_is_not_text_is_counted_in_the_file(put):
    path = put("t.csv", b"text,label\n" + b"words,a\n" * 40_000 + b"caf\xe9,b\n")
    with pytest.raises(InputError, match=r"line 40002: byte 320014 is not utf-8\. It reads as cp1252"):
        read(path)


DAMAGED = {
    "quote never closed": ("t.csv", 'text,label\na,x\nb,x\n"c,x\nd,x\n', r"t\.csv, line 4: the quote .* never closed"),
    "quote after lines": ("t.csv", 'text,label\n"a\nb","x\n', r"line 3: the quote that opens here is never closed"),
    "quote closed late": ("t.csv", 'text,label\n"a,x\nb,x\n"c",x\n', r"line 2: .* closed in line 4 where more text"),
    "backslash": ("t.csv", 'text,label\n"a \\"b\\" c",x\n', r"line 2: .*write a quote within it as two, not as \\\""),
    "comma unquoted": ("t.csv", "text,label\na,x\nwell, b,x\n", r"line 3: 3 fields, where the header names 2 .*quotes"),
    "row too short": ("t.csv", "text,label\na,x\nb\n", r"line 3: 1 field, where the header names 2 \(text, label\)"),
    "rows swallowed": ("t.csv", 'text,label\n"a,x\nb,x"\nc,y\n', r"line 2: 1 field.*takes up 2 lines: a quote"),
    "column twice": ("t.csv", "text,label,text\na,x,b\n", r"line 1: 2 columns are called 'text'"),
    "column without a name": ("t.csv", "text,,label\na,b,c\n", r"line 1: column 2 of 3 has no name"),
    "last column without a name": ("t.tsv", "text\tlabel\t\na\tx\t\n", r"column 3 of 3 has no name"),
    "NUL": ("t.csv", b"text,label\na,x\nb\0,x\n", r"line 3: a NUL byte"),
    "NUL in JSON": ("t.jsonl", b'{"text": "\0"}\n', r"line 1: a NUL byte"),
    "bare return": ("t.csv", "text,label\na\rb,x\n", r"line 2: 1 field"),
    "JSON cut off": ("t.jsonl", '{"text": "a", "label": "x"}\n{"text": \n', r"line 2: not valid JSON"),
    "JSON with more": ("t.jsonl", '{"text": "a"} {"text": "b"}\n', r"line 1: .*more follows"),
    "JSON key twice": ("t.jsonl", '{"text": "a", "text": "b"}\n', r"line 1: key 'text' stands twice"),
    "JSON of a list": ("t.jsonl", '{"text": "a", "label": "x"}\n3\n', r"line 2: must be one JSON object"),
    "deep JSON": ("t.jsonl", '{"text": ' + "[" * 100_000, r"line 1: nested too deep"),
    "deep array": ("t.json", "[" * 100_000, r"line 1: nested too deep"),
    "array cut off": ("t.json", '[{"text": "a"},\n{"text": "b"}\n', r"line 3: not valid JSON: ',' or '\]' expected"),
    "array of lists": ("t.json", '[{"text": "a"},\n ["b"]]', r"line 2: must be one JSON object"),
    "array ends in a comma": ("t.json", '[{"text": "a"},]', r"line 1: not valid JSON"),
    "array and more": ("t.json", '[{"text": "a"}] x', r"more follows the array"),
    "LFS pointer": ("t.csv", "version https://git-lfs.github.com/spec/v1\noid sha256:00\n", r"Git LFS pointer"),
    "LFS pointer of Parquet": ("t.parquet", "version https://git-lfs.github.com/spec/v1\n", r"Git LFS pointer"),
    "no Parquet": ("t.parquet", "text,label\na,x\n", r"t\.parquet: is not what its name says"),
    "Parquet cut off": ("t.parquet", parquet()[:200], r"t\.parquet: cannot be read as Parquet"),
    "empty Parquet": ("t.parquet", "", r"is not what its name says"),
    "no workbook": ("t.xlsx", "PK\x03\x04 and nothing", r"t\.xlsx: cannot be read as an Excel file"),
    "workbook cut off": ("t.xlsx", excel()[:-300], r"cannot be read as an Excel file"),
    "Parquet as CSV": ("t.csv", parquet(), r"is a Parquet file: end its name in \.parquet"),
    "workbook as CSV": ("t.csv", excel(), r"end an Excel file's name in \.xlsx"),
    "old workbook": ("t.csv", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", r"an old Excel file"),
    "gzip unnamed": ("t.csv", gzip.compress(delimited()), r"packed by gzip: end its name in \.gz"),
    "no gzip": ("t.csv.gz", delimited(), r"t\.csv\.gz: damaged, or not packed"),
    "gzip cut off": ("t.csv.gz", gzip.compress(delimited() * 50)[:-30], r"damaged, or not packed"),
    "no xz": ("t.jsonl.xz", lines(), r"damaged, or not packed"),
    "unknown format": ("t.parqet", "", r"unknown data format '\.parqet'\. Did you mean '\.parquet'"),
    "packed Parquet": ("t.docx.gz", "", r"unknown data format '\.docx'"),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_damage_is_an_error_that_says_where(put, case):
    name, content, message = DAMAGED[case]
    with pytest.raises(InputError, match=message):
        read(put(name, content))


def test_what_is_no_file_is_refused_and_never_waited_for(tmp_path):
    (tmp_path / "folder.csv").mkdir()
    os.mkfifo(tmp_path / "pipe.jsonl")
    for name, message in (
        ("folder.csv", r"folder\.csv: cannot be read: it is a folder"),
        ("pipe.jsonl", "it is a named pipe"),
        ("none.csv", r"none\.csv: cannot be read: no such file"),
        ("folder.csv/x.csv", "no such file"),
        ("n" * 300 + ".csv", "cannot be read"),
        ("nul\0.csv", "cannot be read"),
    ):
        with pytest.raises(InputError, match=message):
            read(tmp_path / name)
    (tmp_path / "null.csv").symlink_to(os.devnull)
    with pytest.raises(InputError, match="it is a device"):
        read(tmp_path / "null.csv")


def test_cells_of_any_size_are_read_and_others_limits_stay(put):
    limit = csv.field_size_limit()
    big = "x" * 200_000
    rows = files.read(put("t.csv", f"text,label\n{big},a\n{big},b\n"), None, WANTED).rows
    assert next(rows)[1]["text"] == big
    assert csv.field_size_limit() == limit
    assert [row["label"] for _, row in rows] == ["b"]


def test_rows_say_where_they_begin(put):
    assert [where.rpartition(", ")[2] for where, _ in files.read(put("t.csv", delimited()), None, WANTED).rows] == [
        "line 2",
        "line 3",
        "line 5",
        "line 6",
    ]
    places = [where.rpartition(", ")[2] for where, _ in files.read(put("t.json", array()), None, WANTED).rows]
    assert places == ["line 2", "line 6", "line 10", "line 14"]


def test_an_index_that_pandas_wrote_is_no_fault(put):
    assert [row["text"] for row in read(put("t.csv", TABLE.to_csv()))] == [row["text"] for row in ROWS]
    assert [row["text"] for row in read(put("t.parquet", parquet(TABLE.set_index("label").reset_index())))]


def test_columns_names_lose_outer_spaces(put):
    assert read(put("t.csv", "text, label\na,x\n")) == [{"text": "a", "label": "x"}]


class TestValues:
    """Text is text, numbers keep their form, and the rest is refused."""

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


BITS = [b'"', b"\0", b"\n", b",", b"[", b"{", b"}", b"]", b"\\ud800", b"\xff", b"\x80\x81", b"null", b"\r"]
BITS += [b"9" * 5000, b"[" * 3000, codecs.BOM_UTF8, codecs.BOM_UTF16_LE]


def damage(draw, content):
    data = bytearray(content)
    for _ in range(draw.choice((1, 1, 2, 5, 30))):
        start = draw.randrange(len(data) + 1)
        stop = start + draw.choice((1, 4, 50, 500))
        data[start:stop] = draw.choice(
            (
                draw.choice(BITS) + data[start:stop],
                b"",
                draw.randbytes(len(data[start:stop])),
                data[start:stop] * 2,
                draw.choice(BITS),
            )
        )
        if draw.random() < 0.1:
            del data[start:]
    return bytes(data)


@pytest.mark.parametrize("name", SAME)
def test_damaged_input_of_every_format_is_one_error_and_no_traceback(tmp_path, name):
    draw, path, refused = random.Random(name), tmp_path / name, []
    for turn in range(40):
        path.write_bytes(damage(draw, SAME[name]))
        try:
            for where, row in files.read(path, files.guess(path) if turn % 2 else None, WANTED).rows:
                for field, value in row.items():
                    values.text(value, where, field)
        except HarnessError as error:
            refused.append(str(error))
    assert len(refused) > 5
    assert all(message.startswith(str(path)) for message in refused)
