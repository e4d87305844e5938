"""Sealed runs as they come: each is read once, and again where it was sealed anew."""

from __future__ import annotations

from pathlib import Path

from harness.errors import HarnessError, InputError
from harness.results import document, store
from harness.results.store import Run, Tell

Stamp = tuple[int, int]
"""When run.json was written, and its file: another seal is another file."""


class Shelf:
    """The runs below ``root``, of ``task`` or of all. ``tell`` is called with what is wrong with each that cannot be
    read, which is left out until it is sealed anew."""

    def __init__(self, root: Path, task: str | None, tell: Tell) -> None:
        self.root, self.task, self.tell = root, task, tell
        self._runs: dict[Path, tuple[Stamp, Run | None]] = {}

    def look(self) -> bool:
        """Read what is new, forget what has gone; whether anything is other than it was."""
        before = self._runs
        self._runs = {folder: self._read(folder, stamp) for folder, stamp in self._found()}
        return [(each, *stamp) for each, (stamp, _) in before.items()] != [
            (each, *stamp) for each, (stamp, _) in self._runs.items()
        ]

    @property
    def runs(self) -> list[Run]:
        """The runs that can be read, oldest first."""
        return [run for _, run in self._runs.values() if run]

    def _found(self) -> list[tuple[Path, Stamp]]:
        """The folders of sealed runs, oldest first. One that is sealed anew this moment is passed over."""
        stamped = []
        for path in self.root.glob(f"{self.task or '*'}/[!.]*/{document.FILE}"):
            try:
                said = path.stat()
            except OSError:
                continue
            stamped.append(((said.st_mtime_ns, said.st_ino), path.parent))
        return [(folder, stamp) for stamp, folder in sorted(stamped)]

    def _read(self, folder: Path, stamp: Stamp) -> tuple[Stamp, Run | None]:
        known = self._runs.get(folder)
        if known and known[0] == stamp:
            return known
        try:
            return stamp, store.load(folder)
        except InputError as error:
            self.tell(error)
        except (HarnessError, OSError) as error:
            self.tell(InputError(f"{folder}: cannot be read: {error}"))
        return stamp, None
