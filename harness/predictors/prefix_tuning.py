"""Prefix tuning: learnt keys and values in every layer."""

from __future__ import annotations

import inspect
import math
from dataclasses import dataclass
from typing import Any

from harness.errors import InputError
from harness.predictors.adapters import Adapted
from harness.predictors.linear import within
from harness.predictors.virtual import Virtual


@dataclass
class PrefixTuning(Adapted):
    """Learnt keys and values of ``tokens`` virtual tokens in every layer of a frozen model (Li and Liang, 2021).

    For causal language models, and for encoders whose attention takes keys and values from outside: BERT, RoBERTa,
    ELECTRA and their like. DistilBERT, DeBERTa, MPNet, ALBERT and ModernBERT do not."""

    name = "prefix-tuning"

    lr: float = 1e-2
    tokens: int = 20
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        within(self.name, 1, math.inf, tokens=self.tokens)

    def config(self, task: str, body: Any) -> Any:
        import peft

        return peft.PrefixTuningConfig(task_type=task, num_virtual_tokens=self.tokens)

    def adapted(self, body: Any, causal: bool) -> Any:
        if "past_key_values" not in inspect.signature(body.forward).parameters:
            raise InputError(
                f"baseline 'prefix-tuning:{self.model}': a {type(body).__name__} takes no keys and values from outside "
                "that could come before the text's. Use prompt-tuning or lora for it."
            )
        return super().adapted(body, causal)

    def answering(self, body: Any) -> Any:
        return Virtual(body)
