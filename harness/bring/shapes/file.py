"""A file that may be of any format: as much of it as it takes to tell which."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

from harness.errors import InputError
from harness.task import files, jsons
from harness.task.source import PACKED, Source

START = 200  # lines, and objects, that a format is told by
ROOM = 1 << 20  # characters of those lines
JSON = (".json", ".jsonl", ".ndjson")


@dataclass(frozen=True)
class File:
    """The file, or folder, at ``path``; its text is in the encoding ``said``, else in the likeliest."""

    path: Path
    said: str | None = None

    @cached_property
    def source(self) -> Source:
        """Raises InputError where it is no file that can be read."""
        source = Source(self.path, self.said)
        source.check()
        return source if self.said else Source(self.path, source.guess())

    @property
    def suffix(self) -> str:
        """The format's part of the name: ``.json`` of ``a.json.gz``."""
        packed = self.path.suffix.lower() in PACKED
        return (Path(self.path.stem) if packed else self.path).suffix.lower()

    @cached_property
    def is_text(self) -> bool:
        return not self.path.is_dir() and self.suffix not in files.BINARY

    @cached_property
    def is_json(self) -> bool:
        return self.is_text and self.suffix in JSON

    @cached_property
    def start(self) -> tuple[str, ...]:
        """The first lines, without their ends; none of JSON and of what is no text."""
        if not self.is_text or self.is_json:
            return ()
        made, room = list[str](), ROOM
        for line in islice(self.source.lines(), START):
            made.append(line.rstrip("\r\n"))
            room -= len(line)
            if room < 0:
                break
        return tuple(made)

    @cached_property
    def document(self) -> Any:
        """The one JSON object that it is, else None."""
        return jsons.document(self.source) if self.is_json and self.suffix == ".json" else None

    @cached_property
    def values(self) -> tuple[Any, ...]:
        """The first JSON values of an array, or of lines; as many as can be read."""
        if not self.is_json or self.document is not None:
            return ()
        made = []
        try:
            for _, value in islice(jsons.each(self.source), START):
                made.append(value)
        except InputError:  # whoever reads all of them says so
            pass
        return tuple(made)
