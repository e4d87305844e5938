"""How much is computed at once: what fits the memory that is free, and half of it whenever memory runs out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from harness.errors import HarnessError

T = TypeVar("T")


class Room:
    """``size`` is how much a pass over ``model`` may take, in whatever its user counts (nodes, tokens, rows)."""

    def __init__(self, size: int, model: str) -> None:
        self.size, self.model = size, model

    def attempt(self, compute: Callable[[], T], taken: int, least: bool) -> T | None:
        """What ``compute`` returns, which takes ``taken``; None where memory ran out, and ``size`` is then half of
        that. Raises HarnessError where memory ran out for the ``least`` that can be computed at once."""
        import torch

        try:
            return compute()
        except RuntimeError as error:
            if not ran_out(error):
                raise
            if least:
                raise HarnessError(
                    f"model {self.model!r}: memory runs out even for a single prompt. Use fewer shots or shorter "
                    "texts, --dtype bfloat16, a smaller model, or a machine with more memory."
                ) from None
        self.size = max(1, taken // 2)
        if torch.cuda.is_available():  # what the failed pass left behind, in pieces that fit no other
            torch.cuda.empty_cache()
        return None


def ran_out(error: RuntimeError) -> bool:
    """Whether ``error`` says that memory ran out, on a GPU or on a CPU, whose allocator has no error of its own."""
    import torch

    return isinstance(error, torch.OutOfMemoryError) or "DefaultCPUAllocator" in str(error)


def nodes_within(free: int, longest: int, config: Any, width: int) -> int:
    """Trie nodes that a pass can take in ``free`` bytes, on prompts of up to ``longest`` tokens: half of the memory is
    for what the network keeps to itself. ``width`` is the bytes of a number. At least 1."""
    text = config.get_text_config()
    # Of each token: keys and values (kept, joined with the new ones, and gathered), the layer at work, and the logits
    # with their copy in float32, in which they are normalised.
    kept = 3 * _kept(config, width)
    layer = 8 * text.hidden_size * width + 3 * getattr(text, "intermediate_size", 4 * text.hidden_size) * width
    logits = text.vocab_size * (width + 8)
    room = free // 2 - longest * kept
    # The mask is nodes x (longest + nodes), made from booleans. Its square grows slowly: solve for the positive root.
    each, square = kept + layer + logits + longest * (width + 2), width + 2
    return max(1, int(((each**2 + 4 * square * max(0, room)) ** 0.5 - each) / (2 * square)))


def rows_within(free: int, longest: int, config: Any, width: int) -> int:
    """Texts that can be written side by side in ``free`` bytes, which have up to ``longest`` tokens with their prompts:
    half of the memory is for what the network keeps to itself. At least 1."""
    # Keys and values: as they were read, in groups, and in groups anew.
    return max(1, int(free // 2 // (longest * 3 * _kept(config, width))))


def _kept(config: Any, width: int) -> int:
    """Bytes of a token's keys and values in all layers."""
    text = config.get_text_config()
    heads = getattr(text, "num_key_value_heads", None) or text.num_attention_heads
    size = getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads
    return int(2 * text.num_hidden_layers * heads * size * width)
