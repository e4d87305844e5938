"""Llamas by their shape: parameters, FLOPs, a configuration, and a folder with random weights or none."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.models.checkpoint import Model

MAX_LENGTH = 2048


@dataclass(frozen=True, slots=True)
class Llama:
    """``heads`` attention heads of ``hidden / heads`` dimensions over ``kv_heads`` of keys and values; ``tied`` input
    and output embeddings are one matrix."""

    hidden: int
    layers: int
    heads: int
    kv_heads: int
    intermediate: int
    vocabulary: int
    tied: bool = True

    @property
    def layer_weights(self) -> int:
        """Weights of a layer's matrices: queries, keys, values, output; gate, up, down."""
        width = self.hidden * self.kv_heads // self.heads
        return self.hidden * (2 * self.hidden + 2 * width) + 3 * self.hidden * self.intermediate

    @property
    def parameters(self) -> int:
        """Matrices, embeddings, and two norms a layer and one at the end."""
        norms = (2 * self.layers + 1) * self.hidden
        return self.layers * self.layer_weights + self.vocabulary * self.hidden * (2 - self.tied) + norms

    def flops(self, tokens: int, attended: int, read: int) -> int:
        """Of a forward pass over ``tokens``: two for each weight of a layer's matrices and token; for each pair of a
        token and one that it attends to, itself included (``attended`` in all), two for each dimension of its query
        and two of its value, in each layer (Chowdhery et al., 2022, PaLM, appendix B, forward part, counted causally);
        two for each weight of the output matrix at the ``read`` positions whose logits are wanted."""
        attention = 4 * self.layers * self.hidden * attended
        return 2 * self.layers * self.layer_weights * tokens + attention + 2 * self.vocabulary * self.hidden * read

    def config(self, dtype: str) -> Any:
        """The configuration that transformers and vLLM read."""
        from transformers import LlamaConfig

        return LlamaConfig(
            architectures=["LlamaForCausalLM"],
            vocab_size=self.vocabulary,
            hidden_size=self.hidden,
            num_hidden_layers=self.layers,
            num_attention_heads=self.heads,
            num_key_value_heads=self.kv_heads,
            intermediate_size=self.intermediate,
            max_position_embeddings=MAX_LENGTH,
            tie_word_embeddings=self.tied,
            bos_token_id=0,
            eos_token_id=1,
            pad_token_id=2,
            dtype=dtype,
        )

    def write(self, folder: Path, dtype: str = "float32", weights: bool = True) -> None:
        """A model folder with the embedded model's tokenizer; its weights are random, or left out."""
        import torch
        from transformers import AutoModelForCausalLM

        config = self.config(dtype)
        if weights:
            torch.manual_seed(0)
            AutoModelForCausalLM.from_config(config).save_pretrained(folder)
        else:
            config.save_pretrained(folder)
        Model("tiny").tokenizer.save_pretrained(folder)


# The vocabularies of the small ones are such that embeddings are about a fifth of all, as in Llama 3.2 1B, which is the
# fourth; the last is Llama 3.1 8B.
SHAPES = {
    "llama-24m": Llama(hidden=512, layers=6, heads=8, kv_heads=8, intermediate=1376, vocabulary=10_000),
    "llama-60m": Llama(hidden=640, layers=10, heads=10, kv_heads=10, intermediate=1728, vocabulary=20_000),
    "llama-110m": Llama(hidden=768, layers=12, heads=12, kv_heads=12, intermediate=2048, vocabulary=32_000),
    "llama-1b": Llama(hidden=2048, layers=16, heads=32, kv_heads=8, intermediate=8192, vocabulary=128_256),
    "llama-8b": Llama(
        hidden=4096, layers=32, heads=32, kv_heads=8, intermediate=14_336, vocabulary=128_256, tied=False
    ),
}
