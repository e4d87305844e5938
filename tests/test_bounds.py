"""Small files that stand for more than any memory holds: one sentence, in little memory and in seconds."""

import bz2
import contextlib
import gzip
import io
import json
import lzma
import re
import subprocess
import sys
import zipfile
from itertools import pairwise
from pathlib import Path

import openpyxl
import pyarrow
import pyarrow.parquet
import pytest

from harness.errors import InputError
from harness.prompt import template
from harness.task import files

MEMORY = 3 << 30  # bytes of addresses, of which the libraries' own code and pools take half
READ = """
import resource, sys
from pathlib import Path
import openpyxl, pyarrow.parquet
from harness.errors import InputError
from harness.task import files
resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[2]),) * 2)
try:
    for _ in files.read(Path(sys.argv[1]), None, ("text", "label")).rows:
        pass
except InputError as error:
    sys.exit(str(error))
"""
HEAD = b"text,label\n"


def packed(opener, suffix):
    def write(folder):
        path = folder / f"t.csv.{suffix}"
        with opener(path, "wb") as file:
            file.write(HEAD)
            for _ in range(80):
                file.write((b"a" * 1020 + b",x\n") * 1024)
        return path

    return write


def text(name, *pieces):
    def write(folder):
        path = folder / name
        with (gzip.open if name.endswith("gz") else open)(path, "wb") as file:
            for piece in pieces:
                file.write(piece)
        return path

    return write


def columns(**named):
    def write(folder):
        table = pyarrow.table({name: make() for name, make in named.items()})
        pyarrow.parquet.write_table(table, folder / "t.parquet", compression="zstd")
        return folder / "t.parquet"

    return write


def repeated(value, times):
    return pyarrow.DictionaryArray.from_arrays(pyarrow.array([0] * times, pyarrow.int32()), pyarrow.array([value]))


def workbook(folder):
    whole, book = io.BytesIO(), openpyxl.Workbook()
    book.active.append(["text", "label"])
    book.save(whole)
    with (
        zipfile.ZipFile(whole) as good,
        zipfile.ZipFile(folder / "t.xlsx", "w", zipfile.ZIP_DEFLATED) as bad,
    ):
        for part in good.namelist():
            space = b" " * (80 << 20) if part.endswith("sheet1.xml") else b""
            bad.writestr(part, good.read(part) + space)
    return folder / "t.xlsx"


BOMBS = {
    "gzip": (packed(gzip.open, "gz"), "holds more than 200 times its own size"),
    "bzip2": (packed(bz2.open, "bz2"), "holds more than 200 times its own size"),
    "xz": (packed(lzma.open, "xz"), "holds more than 200 times its own size"),
    "a line": (text("t.csv.gz", HEAD, *[b"a" * (1 << 20)] * 40), r"line 2: longer than 16,777,216 characters"),
    "a row": (text("t.csv.gz", HEAD, b'"', *[b"a\n" * (1 << 19)] * 40), r"line 2: a row of more than 16,777,216"),
    "a line of JSON": (text("t.jsonl", b'{"text": "', *[b"a" * (1 << 20)] * 40), r"line 1: longer than 16,777,216"),
    "an array": (text("t.json", b'[{"text": "', *[b"a" * (1 << 20)] * 150), r"line 1: longer than 134,217,728"),
    "an array of lines": (
        text("t.json", b"[", *[b"1, 1, 1, 1,\n" * (1 << 17)] * 90),
        "an array of more than 134,217,728",
    ),
    "a text of every row": (
        columns(text=lambda: repeated("a" * (60 << 20), 5000), label=lambda: repeated("x", 5000)),
        "holds more than 200 times its own size",
    ),
    "a text": (
        columns(text=lambda: ["a" * (80 << 20)], label=lambda: ["x"]),
        "holds more than 200 times its own size",
    ),
    "a list": (
        columns(text=lambda: pyarrow.array([[0] * 20_000_000]), label=lambda: ["x"]),
        "holds more than 200 times its own size",
    ),
    "many rows": (
        columns(text=lambda: repeated("a", 9_000_000), label=lambda: repeated("x", 9_000_000)),
        "holds more than 200 times its own size",
    ),
    "a workbook": (workbook, "holds more than 200 times its own size"),
}


def limited(program, *args, **extra):
    """A process that may take so much memory and no more."""
    return subprocess.run(
        [sys.executable, "-c", program, *map(str, args)],
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
        **extra,
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", BOMBS)
def test_a_small_file_of_much_is_one_sentence(name, tmp_path):
    write, message = BOMBS[name]
    done = limited(READ, write(tmp_path), MEMORY)
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert "memory" not in done.stderr.lower()
    assert re.search(message, done.stderr), done.stderr


DEEP, MANY = 200_000, 1_000_000
DEFINITIONS = {
    "aliases": "a: &a [x, x]\n"
    + "".join(f"{b}: &{b} [{', '.join(['*' + a] * 9)}]\n" for a, b in pairwise("abcdefghi")),
    "merge keys": "a: &a {b: c}\nd: {<<: *a}\n",
    "many keys": "".join(f"k{i}: x\n" for i in range(MANY)),
    "some keys": "".join(f"k{i}: x\n" for i in range(30_000)),
    "some pairs": "[" + "a: b, " * 60_000 + "]",
    "brackets": "[" * DEEP,
    "braces": "{a: " * DEEP,
    "dashes": "- " * DEEP,
    "questions": "? " * DEEP,
    "long word": "description: " + "x" * 400_000,
    "too long": "description: " + "x" * MANY,
    "lines": "description: |\n" + " x\n" * 150_000,
    "spaces": " " * 400_000 + "a: b",
    "documents": "---\n" * 100_000,
    "number": "kind: classification\nlabels: [" + "9" * 10_000 + "]",
}
LIST = """
import resource, sys
from harness.cli import main
resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[1]),) * 2)
main(sys.argv[2:])
"""


@pytest.mark.slow
def test_definitions_that_never_end_are_listed_as_broken(home):
    for i, text in enumerate(DEFINITIONS.values()):
        folder = home / "tasks" / f"bomb{i}"
        folder.mkdir(parents=True)
        (folder / "task.yaml").write_text(text)
        (home / "prompts" / f"bomb{i}").mkdir(parents=True)
    done = limited(LIST, MEMORY, "list", "tasks", cwd=home)
    assert done.returncode == 0, done.stderr
    shown = [line for line in done.stdout.splitlines() if line.strip().startswith("bomb")]
    assert len(shown) == len(DEFINITIONS)
    for line in shown:
        assert re.fullmatch(r"\s+bomb\d+\s+broken: .*task\.yaml.*", line), line


@pytest.mark.parametrize("name", DEFINITIONS)
@pytest.mark.slow
def test_front_matter_that_never_ends(name, finsentiment):
    text = DEFINITIONS[name].replace("---", "- --")
    source = f"---\n{text}\n---\n{{{{ text }}}}"
    long_but_right = name in ("long word", "lines")
    says = "longer than" if len(source) > template.MAX_CHARS else "front matter"
    with contextlib.nullcontext() if long_but_right else pytest.raises(InputError, match=says):
        template.parse("t", Path("t.j2"), source, finsentiment)


DIGITS = "9" * 10_000


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.csv", f"text,label\n{DIGITS},x\n"),
        ("t.jsonl", f'{{"text": {DIGITS}, "label": "x"}}\n'),
        ("t.json", f'[{{"text": {DIGITS}, "label": "x"}}]'),
    ],
)
def test_a_number_of_ten_thousand_digits_is_its_text(name, content, tmp_path):
    (tmp_path / name).write_text(content)
    ((_, row),) = files.read(tmp_path / name, None, ("text", "label")).rows
    assert row["text"] == DIGITS


def test_such_a_number_in_a_setting_is_refused(finsentiment):
    with pytest.raises(InputError, match="front matter, max_tokens"):
        template.parse("t", Path("t.j2"), f"---\nmax_tokens: {DIGITS}\n---\n{{{{ text }}}}", finsentiment)


def test_honest_files_are_read(tmp_path):
    """What packs well is no bomb: a text that every row repeats, and a column of one value."""
    rows = [{"text": f"the same long introduction {'again ' * 50} {i % 7}", "label": "x"} for i in range(20_000)]
    table = pyarrow.Table.from_pylist(rows)
    pyarrow.parquet.write_table(table, tmp_path / "t.parquet", compression="zstd")
    with gzip.open(tmp_path / "t.jsonl.gz", "wt") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
    for name in ("t.parquet", "t.jsonl.gz"):
        found = [dict(row) for _, row in files.read(tmp_path / name, None, ("text", "label")).rows]
        assert found == rows
