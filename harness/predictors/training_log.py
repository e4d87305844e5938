"""Where a training's epochs are logged besides its history: TensorBoard or Weights & Biases, by option."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from harness.errors import missing_extra


class Log(Protocol):
    """Takes one mapping an epoch."""

    def __init__(self, folder: Path, title: str, config: Mapping[str, str]) -> None: ...
    def write(self, row: Mapping[str, float]) -> None: ...
    def close(self) -> None: ...


class Silent:
    """Logs nothing."""

    def __init__(self, folder: Path, title: str, config: Mapping[str, str]) -> None: ...
    def write(self, row: Mapping[str, float]) -> None: ...
    def close(self) -> None: ...


class TensorBoard:
    """Event files below ``folder``/``title``."""

    def __init__(self, folder: Path, title: str, config: Mapping[str, str]) -> None:
        if importlib.util.find_spec("tensorboard") is None:
            raise missing_extra("tensorboard", "logging", "--with log=tensorboard")
        from torch.utils.tensorboard import SummaryWriter

        self._writer: Any = SummaryWriter(str(folder / title))
        self._writer.add_text("signature", "|".join(f"{key}:{value}" for key, value in config.items()))

    def write(self, row: Mapping[str, float]) -> None:
        for name, value in row.items():
            self._writer.add_scalar(name, value, int(row["epoch"]))

    def close(self) -> None:
        self._writer.close()


class WandB:
    """A Weights & Biases run; ``WANDB_MODE=offline`` keeps it in ``folder``."""

    def __init__(self, folder: Path, title: str, config: Mapping[str, str]) -> None:
        if importlib.util.find_spec("wandb") is None:
            raise missing_extra("wandb", "logging", "--with log=wandb")
        import wandb

        folder.mkdir(parents=True, exist_ok=True)
        self._run: Any = wandb.init(project="harness", name=title, dir=str(folder), config=dict(config))

    def write(self, row: Mapping[str, float]) -> None:
        self._run.log(dict(row))

    def close(self) -> None:
        self._run.finish()


LOGS: dict[str, type[Log]] = {"none": Silent, "tensorboard": TensorBoard, "wandb": WandB}
