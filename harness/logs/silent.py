"""No log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from harness.logs import Rows


class Silent:
    """Logs nothing."""

    packages: ClassVar[Sequence[str]] = ()

    def __init__(self, folder: Path, group: str, title: str, config: Mapping[str, str]) -> None: ...
    def write(self, values: Mapping[str, float], step: int = 0) -> None: ...
    def text(self, name: str, markdown: str) -> None: ...
    def table(self, name: str, rows: Rows) -> None: ...
    def image(self, name: str, png: bytes) -> None: ...
    def close(self) -> None: ...
