"""Where what is measured is logged besides its files: a training's epochs, a study's table. One logger a file, one line
here; imported on use."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Protocol

from harness.errors import missing_extra
from harness.plugins import Table

LOGS = Table(
    "log",
    "harness.logs",
    "harness.logs",
    {
        "none": "silent:Silent",
        "tensorboard": "tensorboard:TensorBoard",
        "wandb": "wandb:WandB",
        "mlflow": "mlflow:MLflow",
    },
)

Rows = Sequence[Mapping[str, Any]]
"""A table: each row by its columns' titles, text and numbers; None where a number is not known."""


class Log(Protocol):
    """One record of ``group``, called ``title``, kept below ``folder`` until it is closed; ``config`` is what it was
    made with."""

    packages: ClassVar[Sequence[str]]
    """Modules that it needs."""

    def __init__(self, folder: Path, group: str, title: str, config: Mapping[str, str]) -> None: ...
    def write(self, values: Mapping[str, float], step: int = 0) -> None: ...
    def text(self, name: str, markdown: str) -> None: ...
    def table(self, name: str, rows: Rows) -> None: ...
    def image(self, name: str, png: bytes) -> None: ...
    def close(self) -> None: ...


def find(name: str) -> type[Log]:
    """The logger called ``name``. Raises InputError for an unknown name, and where a package that it needs is not
    installed."""
    found: type[Log] = LOGS.find(name)
    for package in found.packages:
        if importlib.util.find_spec(package) is None:
            raise missing_extra(package, "logging", f"Logging to {name}")
    return found
