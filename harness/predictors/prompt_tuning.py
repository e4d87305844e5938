"""Prompt tuning: a soft prompt in front of the text."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from harness.predictors.adapters import Adapted
from harness.predictors.linear import within
from harness.predictors.virtual import Virtual


@dataclass
class PromptTuning(Adapted):
    """Learnt embeddings of ``tokens`` virtual tokens in front of the text of a frozen model (Lester et al., 2021)."""

    name = "prompt-tuning"

    lr: float = 1e-2
    tokens: int = 20
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        within(self.name, 1, math.inf, tokens=self.tokens)

    def config(self, task: str, body: Any) -> Any:
        import peft

        # Given, because peft reads them from a configuration under names that not every model uses; and the words of
        # ALBERT and ELECTRA are narrower than their hidden states.
        width = body.get_input_embeddings().weight.shape[1]
        heads = getattr(body.config.get_text_config(), "num_attention_heads", 1)
        return peft.PromptTuningConfig(
            task_type=task, num_virtual_tokens=self.tokens, token_dim=width, num_attention_heads=heads
        )

    def answering(self, body: Any) -> Any:
        return Virtual(body)
