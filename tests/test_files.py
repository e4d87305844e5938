"""The reader of labelled tables: every format gives the same rows, and no input gives a traceback."""

import bz2
import codecs
import csv
import gzip
import io
import lzma
import os
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tables import ROWS, TABLE, WANTED, array, delimited, excel, lines, parquet, read

from harness.errors import HarnessError, InputError
from harness.kinds import values
from harness.task import encodings, files


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
