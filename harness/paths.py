"""Names and files that others chose: what is a name, and what is a file that can be read to its end."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from harness.errors import InputError

LONGEST = 200  # bytes of a name; a file system takes 255, and files beside it have longer ones
SHOWN = 60  # characters of what is no name
KINDS = ((stat.S_ISDIR, "a folder"), (stat.S_ISFIFO, "a named pipe"), (stat.S_ISSOCK, "a socket"))


def is_name(text: str) -> bool:
    """Whether ``text`` is a name wherever it is written: one part of a path, seen by ``ls``, that a reader can type."""
    return (
        text.isprintable()
        and text == text.strip()
        and not text.startswith(".")
        and not text.endswith(".")
        and not set("/\\") & set(text)
        and 0 < len(text.encode()) <= LONGEST
    )


def name(kind: str, text: str) -> str:
    """``text`` if it is the name of a ``kind`` of thing, which is kept in a folder of that name. Raises InputError."""
    if is_name(text):
        return text
    shown = text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
    raise InputError(
        f"{kind} {shown!r}: that is no name. Give letters, digits and signs such as - and _, up to {LONGEST} bytes, "
        "with no slash, and no dot or space at either end."
    )


def check(path: Path) -> None:
    """Raises OSError where ``path`` is no regular file: reading a pipe or a device may wait, or go on, for ever."""
    mode = path.stat().st_mode
    if not stat.S_ISREG(mode):
        kind = next((name for test, name in KINDS if test(mode)), "a device")
        raise OSError(errno.EINVAL, f"it is {kind}, not a file", str(path))


def text(path: Path, most: int | None = None) -> str:
    """The text of the regular file ``path``, in UTF-8 and of ``most`` bytes at most, lines ended by newlines. Raises
    OSError or UnicodeDecodeError."""
    check(path)
    with path.open("rb") as file:
        content = file.read() if most is None else file.read(most + 1)
    if most is not None and len(content) > most:
        raise OSError(errno.EFBIG, f"it is larger than {most:,} bytes", os.fspath(path))
    return content.decode("utf-8").replace("\r\n", "\n").replace("\r", "\n")
