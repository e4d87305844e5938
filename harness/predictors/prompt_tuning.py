"""Prompt tuning: a soft prompt in front of the text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from harness.predictors.adapters import Adapted
from harness.predictors.virtual import Virtual


@dataclass
class PromptTuning(Adapted):
    """Learnt embeddings of ``tokens`` virtual tokens in front of the text of a frozen model (Lester et al., 2021)."""

    name = "prompt-tuning"

    lr: float = 1e-2
    tokens: int = 20
    weight_decay: float = 0.0

    def config(self, task: str) -> Any:
        import peft

        return peft.PromptTuningConfig(task_type=task, num_virtual_tokens=self.tokens)

    def answering(self, body: Any) -> Any:
        return Virtual(body)
