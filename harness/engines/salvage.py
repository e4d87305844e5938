"""What can still be read of a journal: what SQLite says of the file, and the rows in its bytes, wherever they lie."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.engines import layout, wal

# A row as SQLite writes it (https://www.sqlite.org/fileformat2.html#record_format), from its second byte on: the types
# of a key of 64 characters, of the text and of a sum of 32, and the key. The text and the sum follow.
ROW = re.compile(rb"\x81\x0d(?P<type>[\x80-\xff]{0,8}[\x00-\x7f])(?P<sum>\x4d?)(?P<key>[0-9a-f]{64})")
SIZE = 4096  # of a page, where the file does not say
Pages = Mapping[int, bytes]
Row = tuple[bytes, bytes, bytes | None]


@dataclass(frozen=True, slots=True)
class Findings:
    """What is in a journal: ``whole`` answers, ``damaged`` rows, what is ``wrong`` with the file as such, and whole
    answers that are ``hidden`` in it, since SQLite does not come to them."""

    whole: int
    damaged: int
    wrong: str
    hidden: int


def examine(path: Path) -> Findings:
    """Look over the journal at ``path``; nothing of it is changed."""
    there = {row[0] for table, row in rows(path) if table == "answers"}  # first: another may be writing
    damaged, wrong, reached = 0, "", set[bytes]()
    try:
        if wal.broken(wal.read(path)):
            wrong = wal.BROKEN
        for table, row in _read(path):
            if row[2] is None or row[2] != layout.checksum(table, *row[:2]):
                damaged += 1
            elif table == "answers":
                reached.add(row[0])
    except layout.ERRORS as error:
        wrong = wrong or str(error)
    return Findings(len(reached), damaged, wrong, len(there - reached))


def _read(path: Path) -> Iterator[tuple[str, tuple[Any, Any, Any]]]:
    """The rows that SQLite finds. Raises one of ``layout.ERRORS`` where it cannot, or finds more amiss."""
    still = "" if _beside(path, "-wal").exists() else "&immutable=1"  # so that nothing is written beside it
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro{still}", uri=True, timeout=60)) as db:
        db.text_factory = bytes
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if version not in (1, layout.VERSION):
            raise sqlite3.DatabaseError(f"layout {version}, where this version reads {layout.VERSION}")
        for table, (key, text) in layout.KEPT.items():
            if version == layout.VERSION:
                found = db.execute(f"SELECT {key}, {text}, sum FROM {table}")
                yield from ((table, row) for row in found)
            elif table == "answers":
                found = db.execute(f"SELECT {key}, {text} FROM {table}")
                yield from ((table, (*row, _sum_of_first(*row))) for row in found)
        if (said := db.execute("PRAGMA integrity_check(1)").fetchone()[0]) != b"ok":
            raise sqlite3.DatabaseError(said.decode(errors="replace"))


def _sum_of_first(key: Any, text: Any) -> bytes | None:
    """The sum that a row of layout 1 would have; None where it is no answer."""
    right = layout.checksum("answers", key, text)
    return right if layout.load(key, text, right) else None


def mend(path: Path, kept: Path) -> int:
    """Put what can be read of the journal at ``path`` into a whole one in its place, and the damaged one, with the log
    beside it, at ``kept``. Returns how many answers that are. The damaged one is there under one name or the other
    whenever it breaks off."""
    made = _beside(path, ".mending")
    for end in ("", "-wal", "-shm"):  # of one that broke off
        _beside(made, end).unlink(missing_ok=True)
    try:
        with closing(layout.connect(made)) as db:
            db.execute("BEGIN")
            for table, row in rows(path):
                db.execute(f"INSERT OR IGNORE INTO {table} VALUES (?, ?, ?)", [each.decode() for each in row])
            found = int(db.execute("SELECT count(*) FROM answers").fetchone()[0])
            db.execute("COMMIT")
    except layout.ERRORS as error:
        raise layout.trouble(made, error) from None
    kept.parent.mkdir(parents=True, exist_ok=True)
    _beside(path, "-shm").unlink(missing_ok=True)
    with suppress(FileNotFoundError):
        _beside(path, "-wal").rename(_beside(kept, "-wal"))
    path.rename(kept)
    made.rename(path)
    return found


def rows(path: Path) -> Iterator[tuple[str, tuple[bytes, bytes, bytes]]]:
    """The rows whose sums are right, each with its table. Where the file says that it is of layout 1, which has no
    sums, those that can be read; they get one."""
    data = path.read_bytes()
    unsummed = data[60:64] == (1).to_bytes(4)
    for key, text, found in _found(data, wal.read(path)):
        if found is None:
            if unsummed and (right := _sum_of_first(key, text)):
                yield "answers", (key, text, right)
            continue
        yield from ((table, (key, text, found)) for table in layout.KEPT if layout.checksum(table, key, text) == found)


def _beside(path: Path, ending: str) -> Path:
    return path.with_name(path.name + ending)


def _found(data: bytes, log: bytes) -> Iterator[Row]:
    said = int.from_bytes(data[16:18])
    for size in dict.fromkeys((said, SIZE)):
        if size < 512 or size & (size - 1):
            continue
        pages = {at // size + 1: data[at : at + size] for at in range(0, len(data), size)}
        yield from (row for page in pages.values() for row in _of_page(page, size, [pages]))
        frames = list(wal.frames(log, size))
        newest = pages | {int.from_bytes(frame[:4]): frame[wal.FRAME :] for frame in frames}
        yield from (row for frame in frames for row in _of_page(frame[wal.FRAME :], size, [newest, pages]))
        if log:
            yield from (row for page in pages.values() for row in _of_page(page, size, [newest]))


def _of_page(page: bytes, size: int, books: Sequence[Pages]) -> Iterator[Row]:
    """The rows that begin in a page, wherever; the rest of a long one is looked for in each of ``books``."""
    for match in ROW.finditer(page):
        length = (_number(match["type"]) - 13) // 2
        width = 32 if match["sum"] else 0
        start, whole = match.end(), 64 + length + width
        header = 1 + 2 + len(match["type"]) + len(match["sum"])
        here = _local(header + whole, size) - header - 64
        for book in books:
            rest = _rest(page, start, here, length + width, book, size)
            if len(rest) == length + width:
                yield match["key"], rest[:length], rest[length:] if width else None


def _local(payload: int, size: int) -> int:
    """How much of a row stays in its page; the rest is in a chain of others."""
    most, least = (size - 12) * 64 // 255 - 23, (size - 12) * 32 // 255 - 23
    if payload <= most:
        return payload
    found = least + (payload - least) % (size - 4)
    return found if found <= most else least


def _rest(page: bytes, start: int, here: int, wanted: int, book: Pages, size: int) -> bytes:
    """``wanted`` bytes of a row, of which ``here`` are in its page; fewer where that cannot be, or where the chain of
    pages is broken."""
    if here < 0 or not 0 <= wanted <= size * len(book):
        return b""
    parts, got = [page[start : start + here]], here
    following = page[start + here : start + here + 4]
    while got < wanted and len(more := book.get(int.from_bytes(following), b"")) > 4:
        parts.append(more[4 : 4 + wanted - got])
        following, got = more[:4], got + len(parts[-1])
    return b"".join(parts)


def _number(varint: bytes) -> int:
    """SQLite's variable-length integer."""
    whole = 0
    for byte in varint:
        whole = whole << 7 | byte & 0x7F
    return whole
