"""A file that is written whole or not at all: beside its place first, then renamed into it."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from harness import errors


def write(path: Path, content: str | bytes) -> None:
    """Put ``content`` (text as UTF-8) at ``path``; folders on the way are made. What stood there stays where that fails
    or is killed. A link stays one, and a device or a pipe, which nothing can be renamed into, is written to as it is.

    Raises InputError where the path is none to write to, HarnessError where the disk is full."""
    data = content.encode() if isinstance(content, str) else content
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and not path.is_file():
            path.write_bytes(data)
        else:
            _replace(Path(os.path.realpath(path)), data)
    except OSError as error:
        raise errors.of_file(error, f"{path}: cannot be written") from None


def _replace(path: Path, data: bytes) -> None:
    work = path.with_name(f".{secrets.token_hex(8)}.aside")
    try:
        with work.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(work, path)
    finally:
        work.unlink(missing_ok=True)
