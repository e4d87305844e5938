"""Folders that appear whole or not at all, whoever else writes the same one at the moment."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from errno import EEXIST, ENOTDIR, ENOTEMPTY
from pathlib import Path

FILLING = 3600  # seconds: more than any filling takes


@contextmanager
def filling(parent: Path, prefix: str) -> Iterator[Path]:
    """An empty folder below ``parent`` to fill and ``put``; what is not put by the end of the block is removed, and so
    is what processes that were killed have left. ``prefix`` begins with a dot: who looks for whole ones passes by."""
    parent.mkdir(parents=True, exist_ok=True)
    for left in parent.glob(f"{prefix}*"):
        with suppress(OSError):
            if time.time() - left.stat().st_mtime > FILLING:
                shutil.rmtree(left, ignore_errors=True)
    work = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
    try:
        os.chmod(work, 0o755)
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)


def put(work: Path, folder: Path) -> bool:
    """Let ``work`` be ``folder``, at once. False where there is one already."""
    try:
        os.rename(work, folder)
    except OSError as error:
        if error.errno in (EEXIST, ENOTEMPTY, ENOTDIR):
            return False
        raise
    return True


def clear(folder: Path, prefix: str) -> None:
    """Take ``folder`` away, at once; another may have done it."""
    with filling(folder.parent, prefix) as gone, suppress(FileNotFoundError):
        os.rename(folder, gone / folder.name)
