"""TensorBoard."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from harness.logs import Rows


class TensorBoard:
    """Event files below ``folder``/``group``/``title``."""

    packages: ClassVar[Sequence[str]] = ("tensorboard",)

    def __init__(self, folder: Path, group: str, title: str, config: Mapping[str, str]) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._writer: Any = SummaryWriter(str(folder / group / title))
        self._writer.add_text("signature", "|".join(f"{key}:{value}" for key, value in config.items()))

    def write(self, values: Mapping[str, float], step: int = 0) -> None:
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)

    def text(self, name: str, markdown: str) -> None:
        self._writer.add_text(name, markdown)

    def table(self, name: str, rows: Rows) -> None:
        """It has no tables; their text stands for them."""

    def image(self, name: str, png: bytes) -> None:
        import numpy as np
        from PIL import Image

        pixels = np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))
        self._writer.add_image(name, pixels, dataformats="HWC")

    def close(self) -> None:
        self._writer.close()
