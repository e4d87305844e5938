"""Prefix tuning: learnt keys and values in every layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from harness.errors import InputError
from harness.predictors.adapters import Adapted
from harness.predictors.virtual import Virtual


@dataclass
class PrefixTuning(Adapted):
    """Learnt keys and values of virtual tokens in every layer of a frozen causal model (Li and Liang, 2021).

    There are ``tokens`` of them."""

    name = "prefix-tuning"

    model: str = "tiny"
    lr: float = 1e-2
    tokens: int = 20
    weight_decay: float = 0.0

    def config(self, task: str) -> Any:
        import peft

        if task != "CAUSAL_LM":
            raise InputError(
                f"baseline 'prefix-tuning:{self.model}': an encoder keeps no keys and values that a prefix could "
                "come before. Use prompt-tuning or lora for encoders."
            )
        return peft.PrefixTuningConfig(task_type=task, num_virtual_tokens=self.tokens)

    def answering(self, body: Any) -> Any:
        return Virtual(body)
