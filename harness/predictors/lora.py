"""Low-rank adaptation."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from harness.predictors.adapters import Adapted
from harness.predictors.linear import within


@dataclass
class Lora(Adapted):
    """A low-rank update of every linear layer of a frozen model (LoRA; Hu et al., 2022).

    ``rank`` is that of the update, which is scaled by ``alpha`` / ``rank``. A causal language model answers with the
    update merged into its weights."""

    name = "lora"

    lr: float = 1e-3
    rank: int = 8
    alpha: int = 16
    dropout: float = 0.05

    def __post_init__(self) -> None:
        super().__post_init__()
        within(self.name, 1, math.inf, rank=self.rank, alpha=self.alpha)
        within(self.name, 0, 0.99, dropout=self.dropout)

    def config(self, task: str, body: Any) -> Any:
        import peft

        return peft.LoraConfig(
            task_type=task, r=self.rank, lora_alpha=self.alpha, lora_dropout=self.dropout, target_modules="all-linear"
        )

    def answering(self, body: Any) -> Any:
        import copy

        return copy.deepcopy(body).merge_and_unload()
