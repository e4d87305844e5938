"""A vLLM logits processor that makes a request say given tokens only. Loaded by vLLM's own processes."""

from __future__ import annotations

from typing import Any

import torch
from vllm import SamplingParams
from vllm.v1.sample.logits_processor import AdapterLogitsProcessor

ARGUMENT = "harness_path"


class Forced(AdapterLogitsProcessor):
    """Leaves alive the next token of the path in ``extra_args``; requests without one pass untouched. The
    log-probabilities that vLLM reports are taken before this, so they are the model's own."""

    def is_argmax_invariant(self) -> bool:
        return False

    def new_req_logits_processor(self, params: SamplingParams) -> Any:
        path = (params.extra_args or {}).get(ARGUMENT)
        if path is None:
            return None

        def force(output_ids: list[int], logits: torch.Tensor) -> torch.Tensor:
            if len(output_ids) < len(path):
                logits.fill_(float("-inf"))
                logits[path[len(output_ids)]] = 0.0
            return logits

        return force
