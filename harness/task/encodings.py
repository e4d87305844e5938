"""Names of encodings, and which one a file is in."""

from __future__ import annotations

import codecs
from collections.abc import Iterable
from typing import NamedTuple

from harness.errors import unknown

COMMON = (
    "utf-8", "utf-16", "utf-32", "ascii", "latin-1", "cp1252", "cp1250", "cp1251", "iso8859-2", "iso8859-15",
    "koi8-r", "cp437", "mac-roman", "gb18030", "big5", "shift_jis", "cp932", "euc_jp", "euc_kr",
)  # fmt: skip
BOMS = (  # the longer first: UTF-32's begins with UTF-16's
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# What exports are in where they are not Unicode. Among all of Python's encodings a guess would too often be a rare one.
EXPORTS = ("cp1252", "cp1250", "cp1251", "cp1253", "koi8_r", "gb18030", "big5", "cp932", "euc_jp", "cp949")
CLOSE = 0.1  # differences between the guesses' measures that mean nothing
MESS = 0.5  # of a reading that is worth a thought: short texts full of signs look messy in any encoding
WINDOW = 1 << 18  # bytes that a guess is made from


def codec(name: str) -> str:
    """Python's name of the encoding ``name``. Raises InputError naming the nearest."""
    try:
        found = codecs.lookup(name)
    except (LookupError, ValueError):
        raise unknown("encoding", name, COMMON) from None
    if not found._is_text_encoding:  # such as zlib and rot13
        raise unknown("encoding", name, COMMON)
    return found.name


def marked(start: bytes) -> str | None:
    """The encoding that a byte order mark names."""
    return next((name for mark, name in BOMS if start.startswith(mark)), None)


class Place(NamedTuple):
    line: int  # from 1
    byte: int  # from 0


def undecodable(blocks: Iterable[bytes], encoding: str) -> Place | None:
    """The first place that ``encoding`` cannot read; None where it reads all."""
    decoder = codecs.getincrementaldecoder(encoding)()
    line, offset = 1, 0
    try:
        for block in blocks:
            offset += len(block)
            line += decoder.decode(block).count("\n")
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:  # of what was left of the block before, and this one
        return Place(line + error.object[: error.start].count(b"\n"), offset - len(error.object) + error.start)
    except UnicodeError:  # encodings that read nothing, such as undefined
        return Place(line, 0)
    return None


def damaged(sample: bytes) -> bool:
    """Whether ``sample``, which is not UTF-8, must have been: by chance, other encodings look like it less often."""
    text = sample.decode("utf-8", errors="replace")
    bad = text.count("\ufffd")
    return sum(not letter.isascii() for letter in text) > 2 * bad


def likely(sample: bytes) -> str | None:
    """The encoding that ``sample``, of a file that is not UTF-8, is most likely in; None where none reads it.

    Of guesses that charset-normalizer finds about as clean, the one whose letters are most like a language's; cp1252
    where that is about as good."""
    from charset_normalizer import from_bytes

    found = list(from_bytes(sample, cp_isolation=list(EXPORTS), threshold=MESS))
    if not found:
        return None
    cleanest = min(match.chaos for match in found)
    clean = [match for match in found if match.chaos <= cleanest + CLOSE]
    best = max(clean, key=lambda match: match.coherence)
    western = [match for match in clean if EXPORTS[0] in (match.encoding, *match.could_be_from_charset)]
    if western and western[0].coherence >= best.coherence - CLOSE:
        return EXPORTS[0]
    return str(best.encoding)


def wide(start: bytes) -> str | None:
    """UTF-16 without its mark, told by the zeros that every second byte of most alphabets is."""
    even, odd = start[::2].count(0), start[1::2].count(0)
    if max(even, odd) > len(start) / 4 and min(even, odd) < max(even, odd) / 8:
        return "utf-16-be" if even > odd else "utf-16-le"
    return None
