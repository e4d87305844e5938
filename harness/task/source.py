"""A data file as it lies on the disk: whether it is one, unpacked, and as lines of text."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import math
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import IO, Any, NamedTuple

from harness import paths
from harness.errors import InputError
from harness.task import encodings

PACKED: Mapping[str, Callable[[Path], Any]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
ARCHIVES = (".xlsx", ".xlsm", ".parquet")
BLOCK = 1 << 20
LONGEST = 1 << 24  # characters of a line, and of a row
# What a packed file may hold: so many bytes whatever its own size, or so many times that. Text packs ten to one.
ROOM, TIMES = 1 << 26, 200
# How files begin that are not what their name says.
BEGINNINGS = (
    (b"version https://git-lfs", "a Git LFS pointer, not the data: fetch it with `git lfs pull`"),
    (b"PAR1", "a Parquet file: end its name in .parquet"),
    (b"PK\x03\x04", "a ZIP archive or an Excel file: end an Excel file's name in .xlsx, unpack an archive"),
    (b"\xd0\xcf\x11\xe0", "an old Excel file: save it as .xlsx or .csv"),
    (b"\x1f\x8b", "packed by gzip: end its name in .gz"),
    (b"BZh", "packed by bzip2: end its name in .bz2"),
    (b"\xfd7zXZ", "packed by xz: end its name in .xz"),
)

Row = tuple[str, Mapping[str, Any]]


class Read(NamedTuple):
    """What a reader made of a file: ``found`` says how it was read; ``rows`` come with where each stands."""

    found: str
    rows: Iterator[Row]


@dataclass(frozen=True)
class Source:
    """The file at ``path``, read in the encoding ``said``; where none is said, UTF-8 or what a byte order mark names.

    ``packed`` opens it where its name ends as a packed file's. Raises InputError where it is no file that can be read.
    """

    path: Path
    said: str | None = None

    def __post_init__(self) -> None:
        try:
            with self.readable():
                paths.check(self.path)
        except ValueError as error:  # such as a NUL in the name
            raise InputError(f"{str(self.path)!r}: cannot be read: {error}.") from None

    def check(self, own: bytes | None = None) -> None:
        """Raises InputError for a file that begins as one of another kind; ``own`` is how this one has to begin."""
        with self.readable(), self.path.open("rb") as file:
            start = file.read(64)
        packed = self.path.suffix.lower() in PACKED
        for beginning, what in BEGINNINGS[:1] if packed or own else BEGINNINGS:
            if start.startswith(beginning):
                raise InputError(f"{self.path}: is {what}.")
        if own and not start.startswith(own):
            raise InputError(f"{self.path}: is not what its name says: a {self.path.suffix} file begins otherwise.")

    @contextmanager
    def readable(self) -> Iterator[None]:
        """What goes wrong while the file is opened, read and unpacked, as InputError."""
        try:
            yield
        except (FileNotFoundError, NotADirectoryError):
            raise InputError(f"{self.path}: cannot be read: no such file.") from None
        except (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile) as error:
            raise InputError(f"{self.path}: damaged, or not packed as its name says: {error}.") from None
        except OSError as error:
            raise InputError(f"{self.path}: cannot be read: {error.strerror or error}.") from None

    def open(self) -> IO[bytes]:
        """Its bytes, unpacked."""
        opener = PACKED.get(self.path.suffix.lower())
        return self.path.open("rb") if opener is None else opener(self.path)

    def blocks(self) -> Iterator[bytes]:
        taken = 0
        with self.readable(), self.open() as file:
            while block := file.read(BLOCK):
                taken += len(block)
                self.check_room(taken)
                yield block

    def check_room(self, taken: int) -> None:
        """Raises InputError where ``taken`` bytes are more than a packed file of this size holds in earnest: a few
        kilobytes can stand for more than any memory holds."""
        if taken > self._room:
            raise InputError(
                f"{self.path}: holds more than {TIMES} times its own size once it is unpacked, so it is not read. If "
                "that is what you have, save it unpacked, as .csv or .jsonl."
            )

    @cached_property
    def _room(self) -> float:
        packed = self.path.suffix.lower() in (*PACKED, *ARCHIVES)
        return max(ROOM, TIMES * self.path.stat().st_size) if packed else math.inf

    @cached_property
    def encoding(self) -> str:
        """The encoding it is read in."""
        if self.said is not None:
            return encodings.codec(self.said)
        with self.readable(), self.open() as file:
            return encodings.marked(file.read(4)) or "utf-8"

    @contextmanager
    def _text(self) -> Iterator[io.TextIOWrapper]:
        try:
            with self.readable(), self.open() as raw, io.TextIOWrapper(raw, self.encoding, newline="") as file:
                yield file
        except UnicodeError:
            raise self._undecodable() from None

    def begins(self) -> str:
        """The first character that is no white space; empty where there is none."""
        with self._text() as file:
            while block := file.read(BLOCK):
                if found := block.lstrip("\ufeff \t\r\n"):
                    return found[0]
        return ""

    def lines(self, longest: int = LONGEST) -> Iterator[str]:
        """Its lines with their ends, without the byte order mark.

        Raises InputError with the line of what is not text in this encoding, or is longer than ``longest``."""
        taken = 0
        with self._text() as file:
            for number, line in enumerate(iter(partial(file.readline, longest), ""), 1):
                taken += len(line)
                self.check_room(taken)
                if len(line) == longest:
                    raise InputError(
                        f"{self.path}, line {number}: longer than {longest:,} characters. Is it the file you mean?"
                    )
                if "\0" in line:
                    raise InputError(
                        f"{self.path}, line {number}: a NUL byte, which text has not. If the file is UTF-16, say "
                        "so (task.yaml: `encoding: utf-16-le`; init: --encoding utf-16-le)."
                    )
                yield line.removeprefix("\ufeff") if number == 1 else line

    def guess(self) -> str | None:
        """The encoding its bytes are most likely in: what a mark names, UTF-8 where all of it is, else a guess."""
        with self.readable(), self.open() as file:
            start = file.read(4096)
        if named := encodings.marked(start) or encodings.wide(start):
            return named
        bad = encodings.undecodable(self.blocks(), "utf-8")
        if bad is None:
            return "utf-8"
        with self.readable(), self.open() as file:
            file.seek(max(0, bad.byte - encodings.WINDOW // 2))
            if file.tell():
                file.readline(encodings.WINDOW)  # the rest of a line that may begin within a letter
            sample = file.read(encodings.WINDOW)
        return "utf-8" if encodings.damaged(sample) else encodings.likely(sample)

    def _undecodable(self) -> InputError:
        bad = encodings.undecodable(self.blocks(), self.encoding) or encodings.Place(1, 0)
        likely = self.guess()
        if likely in (None, self.encoding):
            mend = "Mend it, or say the file's encoding, for example `encoding: latin-1` in task.yaml or --encoding "
            mend += "latin-1 to init."
        else:
            mend = f"It reads as {likely}: if that is right, say so (task.yaml: `encoding: {likely}`; init: --encoding "
            mend += f"{likely}); else say its own, for example `encoding: latin-1`."
        return InputError(f"{self.path}, line {bad.line}: byte {bad.byte} is not {self.encoding}. {mend}")
