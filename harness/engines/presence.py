"""Who uses a journal now: each has a locked file beside it, and the system opens the lock of a process that ends,
however it ends."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

NAME = re.compile(r"[0-9a-f]{32}")
GATE = "gate"


class Presence:
    """A file of one's own below ``folder``, from ``begin`` to ``end``."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.name = folder, uuid4().hex

    def begin(self, first: Callable[[], None]) -> None:
        """Come in, and sweep away what killed processes left. Where nobody is there, ``first`` is called before anyone
        else comes in, and may refuse by raising. Raises OSError where this cannot be written."""
        with _gate(self.folder):
            if not _there(self.folder):
                first()
            self._lock = _lock(self.folder / self.name)
            self._lock.acquire()

    def living(self, name: str) -> bool:
        """Whether the process that began as ``name`` is still there."""
        return name == self.name or (NAME.fullmatch(name) is not None and _living(self.folder / name))

    def end(self) -> None:
        """Go. The file is removed while it is locked, so that nobody takes it for one of the dead."""
        with suppress(OSError):
            (self.folder / self.name).unlink()
        self._lock.release()


@contextmanager
def alone(folder: Path) -> Iterator[bool]:
    """Whether nobody is there; nobody else comes in until the end of the block."""
    with _gate(folder):
        yield not _there(folder)


def _gate(folder: Path) -> Any:
    folder.mkdir(parents=True, exist_ok=True)
    return _lock(folder / GATE)


def _there(folder: Path) -> list[str]:
    """Who is there; what the dead left is removed."""
    return [path.name for path in folder.iterdir() if NAME.fullmatch(path.name) and _living(path)]


def _living(path: Path) -> bool:
    from filelock import Timeout

    if not path.exists():
        return False
    try:
        with _lock(path, timeout=0):
            path.unlink(missing_ok=True)
    except Timeout:
        return True
    return False


def _lock(path: Path, timeout: float = -1) -> Any:
    from filelock import FileLock

    return FileLock(path, timeout, thread_local=False)
