"""A vLLM logits processor that lets a request say one given choice only. Loaded by vLLM's own processes."""

from __future__ import annotations

from typing import Any

import torch
from vllm import SamplingParams
from vllm.v1.sample.logits_processor import AdapterLogitsProcessor

ARGUMENT = "harness_choice"


class Forced(AdapterLogitsProcessor):
    """Leaves alive the next token of the choice in ``extra_args``; requests without one pass untouched. The
    log-probabilities that vLLM reports are taken before this, so they are the model's own."""

    def is_argmax_invariant(self) -> bool:
        return False

    def new_req_logits_processor(self, params: SamplingParams) -> Any:
        choice = (params.extra_args or {}).get(ARGUMENT)
        if choice is None:
            return None

        def force(output_ids: list[int], logits: torch.Tensor) -> torch.Tensor:
            if len(output_ids) < len(choice):
                token = choice[len(output_ids)]
                kept = logits[token].item()
                logits.fill_(float("-inf"))
                logits[token] = kept
            return logits

        return force
