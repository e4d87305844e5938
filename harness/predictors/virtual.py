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
        self.generation_config = getattr(body, "generation_config", None)
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

    def generate(self, input_ids: Any, attention_mask: Any, **params: Any) -> Any:
        """As transformers' own, of left-padded rows: them and what is written after them. What peft does with virtual
        tokens that are embeddings is right for rows without padding only, which it puts after them: here it stands
        before them."""
        import torch

        learnt = self._body.get_prompt(batch_size=len(input_ids))
        if not isinstance(learnt, torch.Tensor):  # keys and values
            return self._body.generate(input_ids=input_ids, attention_mask=attention_mask, **params)
        words = self._body.word_embeddings(input_ids)
        gaps = (attention_mask == 0).sum(1).tolist()
        rows = zip(words, learnt.to(words.dtype), gaps, strict=True)
        ones = attention_mask.new_ones(len(words), self.reserved)
        return self._body.get_base_model().generate(
            input_ids=input_ids,
            inputs_embeds=torch.stack([torch.cat([row[:gap], first, row[gap:]]) for row, first, gap in rows]),
            attention_mask=torch.cat([attention_mask, ones], 1),  # zeros stand first in either
            **params,
        )
