"""brat: a text in ``.txt`` and its marks in ``.ann`` beside it, one pair or a folder of them."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from harness.bring.rows import Table
from harness.bring.shapes.file import File
from harness.bring.shapes.spans import Mention, Passage, table
from harness.errors import InputError
from harness.task.source import LONGEST, Source

MARKS, TEXT = ".ann", ".txt"
MOST = 100_000  # documents of a folder
_SPAN = re.compile(r"(?P<type>\S+) (?P<places>\d+ \d+(?:;\d+ \d+)*)")


def found(file: File) -> bool:
    """Whether it is a folder, a file of marks, or a text with marks beside it."""
    if file.path.is_dir() or file.suffix == MARKS:
        return True
    return file.suffix == TEXT and file.path.with_suffix(MARKS).exists()


def read(file: File) -> Table:
    """A row for each line of each text, or for several where a span goes over their ends; all rows of a text are of one
    document. Rows with a span in several pieces are left out, and told.

    Raises InputError for a text without marks, marks without a text, and a line that says no span where one should."""
    pairs = _pairs(file.path)
    passages, broken = list[Passage](), 0
    said = ""
    for text_path, marks_path in pairs:
        source = File(text_path, file.said).source
        said = source.encoding
        text = _whole(source)
        whole, pieces = _marks(File(marks_path, file.said).source)
        for number, first, last in _rows(text, [*whole, *pieces], str(marks_path)):
            own = [each for each in whole if first <= each.start < last]
            if any(first <= each.start < last for each in pieces):
                broken += 1
                continue
            moved = [replace(each, start=each.start - first, end=each.end - first) for each in own]
            where = f"{text_path}, line {number}"
            # Document ids are paths that tell equal names in two folders apart.
            document = str(text_path.relative_to(file.path).with_suffix("")) if file.path.is_dir() else text_path.stem
            passages.append(Passage(len(passages) + broken + 1, where, text[first:last], moved, document))
    told = [f"left out {broken} rows with a span in several pieces: a span here is one stretch"] if broken else []
    return table(file.path, f"brat, {len(pairs)} documents, {said}", passages, told)


def _whole(source: Source) -> str:
    made = io.StringIO()
    for line in source.lines():
        made.write(line)
        if made.tell() > LONGEST:
            raise InputError(f"{source.path}: a document of more than {LONGEST:,} characters.")
    return made.getvalue()


def _pairs(path: Path) -> list[tuple[Path, Path]]:
    if not path.is_dir():
        pairs = [(path.with_suffix(TEXT), path.with_suffix(MARKS))]
    else:
        pairs = [(each.with_suffix(TEXT), each) for each in sorted(path.rglob(f"*{MARKS}"))]
        if not pairs:
            raise InputError(f"{path}: a folder without {MARKS} files. Give a file, or a folder of brat's.")
        if len(pairs) > MOST:
            raise InputError(f"{path}: more than {MOST:,} documents.")
    for text, marks in pairs:
        if not text.exists():
            raise InputError(f"{marks}: no text beside it: {text.name} is missing.")
        if not marks.exists():
            raise InputError(f"{text}: no marks beside it: {marks.name} is missing.")
    return pairs


def _marks(source: Source) -> tuple[list[Mention], list[Mention]]:
    """The spans of one stretch, and, from first to last place, those of several pieces."""
    whole, pieces = list[Mention](), list[Mention]()
    for number, line in enumerate(source.lines(), 1):
        if not line.startswith("T"):
            continue  # relations, events, attributes and notes
        where = f"{source.path}, line {number}"
        fields = line.rstrip("\r\n").split("\t", 2)
        match = _SPAN.fullmatch(fields[1]) if len(fields) > 1 else None
        if match is None:
            raise InputError(f"{where}: no span. Write T1, a tab, type, start and end, a tab, and the text.")
        places = [tuple(map(int, piece.split(" "))) for piece in match["places"].split(";")]
        text = fields[2] if len(fields) > 2 else None
        if len({*places}) == 1 or all(after[0] == end[1] for end, after in pairwise(places)):
            whole.append(Mention(places[0][0], places[-1][1], match["type"], text))
        else:
            pieces.append(Mention(places[0][0], places[-1][1], match["type"], None))
    return whole, pieces


def _rows(text: str, spans: Sequence[Mention], where: str) -> Iterator[tuple[int, int, int]]:
    """Line number, start and end of each row of ``text`` that is not blank."""
    if beyond := next((each for each in spans if each.end > len(text) or each.start >= each.end), None):
        raise InputError(
            f"{where}: the span {beyond.type} [{beyond.start}, {beyond.end}] is not within the {len(text)} characters "
            "of its text. Is it the text that was marked?"
        )
    start, number = 0, 1
    inner = sorted((each.start, each.end) for each in spans)
    place = 0
    while start < len(text):
        end = text.find("\n", start) + 1 or len(text)
        while place < len(inner) and inner[place][0] < end:
            if inner[place][1] > end:
                end = text.find("\n", inner[place][1] - 1) + 1 or len(text)
            place += 1
        row = text[start:end].rstrip("\r\n")
        if row.strip():
            yield number, start, start + len(row)
        number += text.count("\n", start, end)
        start = end
