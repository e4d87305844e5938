"""Weights & Biases."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from harness.logs import Rows

PROJECT = "harness"


class WandB:
    """A run; ``WANDB_MODE=offline`` keeps it in ``folder``."""

    packages: ClassVar[Sequence[str]] = ("wandb",)

    def __init__(self, folder: Path, group: str, title: str, config: Mapping[str, str]) -> None:
        import wandb

        folder.mkdir(parents=True, exist_ok=True)
        self._run: Any = wandb.init(
            project=PROJECT, group=group or None, name=title, dir=str(folder), config=dict(config)
        )

    def write(self, values: Mapping[str, float], step: int = 0) -> None:
        self._run.log(dict(values))

    def text(self, name: str, markdown: str) -> None:
        """As the run's notes, which its page shows."""
        self._run.notes = markdown

    def table(self, name: str, rows: Rows) -> None:
        import wandb

        titles = list(rows[0])
        self._run.log({name: wandb.Table(columns=titles, data=[[row[title] for title in titles] for row in rows])})

    def image(self, name: str, png: bytes) -> None:
        import wandb
        from PIL import Image

        self._run.log({name: wandb.Image(Image.open(io.BytesIO(png)))})

    def close(self) -> None:
        self._run.finish()
