"""Virtual tokens in front of the text, as an engine sees them."""

from __future__ import annotations

from typing import Any

from harness.predictors.networks import reserved


class Virtual:
    """A peft model with virtual tokens as a plain causal language model: the logits are those of the text's tokens
    only. It keeps no cache of its own, so the engine scores it plainly. ``reserved`` positions are not the text's."""

    def __init__(self, body: Any) -> None:
        self._body = body
        self.dtype = body.dtype
        self.reserved = reserved(body)

    def eval(self) -> Virtual:
        """As torch's."""
        self._body.eval()
        return self

    def __call__(self, input_ids: Any, attention_mask: Any = None, past_key_values: Any = None, **_: Any) -> Any:
        if past_key_values is not None:
            raise NotImplementedError("virtual tokens stand in the cache's place")
        out = self._body(input_ids=input_ids, attention_mask=attention_mask)
        out.logits = out.logits[:, -input_ids.shape[1] :]
        return out
