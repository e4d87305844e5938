"""What a request is to vLLM: sampling parameters for a branch of choices and for a generated answer."""

from __future__ import annotations

from typing import Any

from harness.engines.branches import Branch
from harness.types import Constraint, Request, Sampling


def reading(branch: Branch) -> Any:
    """The parameters that make vLLM say the rest of a branch's path and tell the log-probabilities on the way. That
    of the token it says always comes with them."""
    from vllm import SamplingParams

    from harness.engines.forced import ARGUMENT

    said = list(branch.path[branch.start :])
    asked = {"logprob_token_ids": list(branch.ids)} if branch.ids else {"logprobs": 0}
    return SamplingParams(
        max_tokens=len(said),
        temperature=0.0,
        detokenize=False,
        ignore_eos=True,
        extra_args={ARGUMENT: said},
        **asked,
    )


def saying(request: Request) -> Any:
    """The parameters for a generated answer. Its stops are not vLLM's to act on, which knows no thought."""
    from vllm import SamplingParams

    how = request.sampling or Sampling()
    return SamplingParams(
        max_tokens=how.max_tokens,
        temperature=how.temperature,
        seed=how.seed,
        structured_outputs=_held(how.constraint) if how.constraint else None,
    )


def _held(constraint: Constraint) -> Any:
    from vllm.sampling_params import StructuredOutputsParams

    value = list(constraint.value) if constraint.kind == "choice" else constraint.value
    return StructuredOutputsParams(**{constraint.kind: value})
