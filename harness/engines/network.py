"""A causal language model at work: passes over pieces of a trie, over rows of prompts, and text written after them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from harness.engines.trie import Pass, Read
from harness.errors import HarnessError
from harness.tokens import TAIL, opening, until
from harness.types import Sampling, Tokens

Kept: TypeAlias = list[tuple[Any, Any]]
"""Each layer's keys and values (rows, heads, tokens, size) of tokens that need not be computed again."""


class Network:
    """The network ``lm`` on ``device``. Only this file knows tensors."""

    def __init__(self, lm: Any, device: str) -> None:
        self._lm, self._device = lm, device

    @property
    def width(self) -> int:
        """Bytes of a number."""
        return int(self._lm.dtype.itemsize)

    def free(self) -> int | None:
        """Bytes of GPU memory that could be had; None on a CPU."""
        import torch

        if not self._device.startswith("cuda"):
            return None
        held = torch.cuda.memory_reserved(self._device) - torch.cuda.memory_allocated(self._device)
        return int(torch.cuda.mem_get_info(self._device)[0] + held)

    def walk(self, part: Pass, kept: Kept) -> tuple[list[float], Kept]:
        """What ``part`` reads, and the keys and values of each layer for the pass that follows."""
        import torch

        nodes = sorted({read.node for read in part.reads})
        places = {node: row for row, node in enumerate(nodes)}
        rows = [places[read.node] for read in part.reads]
        with torch.inference_mode():
            out = self._lm(
                torch.tensor([part.tokens], device=self._device),
                past_key_values=_cache(kept),
                use_cache=True,
                attention_mask=self._mask(part),
                position_ids=torch.tensor([part.depths], device=self._device),
                logits_to_keep=torch.tensor(nodes, dtype=torch.long, device=self._device),
            )
            path = torch.tensor(part.path, dtype=torch.long, device=self._device)
            layers = out.past_key_values.layers
            kept = [(layer.keys.index_select(-2, path), layer.values.index_select(-2, path)) for layer in layers]
            return _logprobs(out.logits[0], rows, [read.token for read in part.reads]), kept

    def moved(self, kept: Kept, shared: int, depth: int) -> Kept:
        """``kept`` as the path to a later node ``depth`` deep, of which the first ``shared`` columns are the same. The
        others are empty."""
        import torch

        if not kept or kept[0][0].shape[-2] == shared == depth:
            return kept

        def filled(columns: Any) -> Any:
            return torch.nn.functional.pad(columns[..., :shared, :], (0, 0, 0, depth - shared))

        return [(filled(keys), filled(values)) for keys, values in kept]

    def _mask(self, part: Pass) -> Any:
        """The additive mask (1, 1, nodes, kept + nodes) of a pass: 0 where a node sees a column."""
        import torch

        ends = torch.tensor(part.ends, device=self._device)
        nodes = torch.arange(len(part.tokens), device=self._device)[:, None]
        columns = torch.arange(len(ends), device=self._device) - (len(ends) - len(nodes))
        unseen = (columns > nodes) | (nodes >= ends)
        mask = torch.zeros(unseen.shape, dtype=self._lm.dtype, device=self._device)
        return mask.masked_fill_(unseen, torch.finfo(mask.dtype).min)[None, None]

    def rows(self, rows: Sequence[Tokens], reads: Sequence[Sequence[Read]]) -> list[float]:
        """What ``reads`` asks of each right-padded row, a node being a place in it. A token sees nothing after it, so
        padding changes no answer."""
        import torch

        width = max(map(len, rows))
        ids = torch.tensor([list(row) + [0] * (width - len(row)) for row in rows], device=self._device)
        mask = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in rows], device=self._device)
        with torch.inference_mode():
            logits = self._lm(ids, attention_mask=mask, use_cache=False).logits
            places = sorted({(row, read.node) for row, each in enumerate(reads) for read in each})
            found = {place: i for i, place in enumerate(places)}
            picked = logits[[row for row, _ in places], [node for _, node in places]]
            at = [found[row, read.node] for row, each in enumerate(reads) for read in each]
            return _logprobs(picked, at, [read.token for each in reads for read in each])

    def head(self, head: Tokens) -> Kept:
        """What is kept of ``head``."""
        import torch

        if not head:
            return []
        with torch.inference_mode():
            out = self._lm(torch.tensor([head], device=self._device), use_cache=True, logits_to_keep=1)
        return [(layer.keys, layer.values) for layer in out.past_key_values.layers]

    def write(self, prompts: Sequence[Tokens], how: Sampling, head: int, kept: Kept, tokenizer: Any) -> list[list[int]]:
        """The tokens written after each prompt. The first ``head`` tokens of all are in ``kept``; padding, which
        nothing sees, stands between them and the rest."""
        import torch

        width = max(map(len, prompts))
        pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id or 0
        gaps = [width - len(prompt) for prompt in prompts]
        ids = [[*row[:head], *[pad] * gap, *row[head:]] for row, gap in zip(prompts, gaps, strict=True)]
        mask = [[1] * head + [0] * gap + [1] * (width - head - gap) for gap in gaps]
        spread = [(k.expand(len(ids), -1, -1, -1), v.expand(len(ids), -1, -1, -1)) for k, v in kept]
        sampled = {"do_sample": True, "temperature": how.temperature} if how.temperature > 0 else {"do_sample": False}
        with torch.inference_mode(), torch.random.fork_rng():
            torch.manual_seed(how.seed)
            out = self._lm.generate(
                torch.tensor(ids, device=self._device),
                attention_mask=torch.tensor(mask, device=self._device),
                max_new_tokens=how.max_tokens,
                pad_token_id=pad,
                stopping_criteria=_stops(
                    how.stop, [tokenizer.decode(list(p[-TAIL:])) for p in prompts], width, tokenizer
                ),
                **({"past_key_values": _cache(spread)} if spread else {}),
                **sampled,
            )
        if out.shape[0] != len(ids):
            raise HarnessError(f"generate returned {out.shape[0]} rows for {len(ids)} prompts.")
        made: list[list[int]] = out[:, width:].tolist()
        return made


def _stops(stops: Sequence[str], tails: Sequence[str], width: int, tokenizer: Any) -> Any:
    """What ends rows where ``until`` cuts them; ``tails`` are the prompts' ends, ``width`` where all begin to write."""
    import torch
    from transformers import StoppingCriteriaList

    opened = [opening(tail) for tail in tails]
    ends = {stop[-1] for stop in stops} | {"\ufffd"}  # a token may be a part of a character

    def stopped(row: list[int], begun: str) -> bool:
        if not ends.intersection(tokenizer.decode(row[-2:], skip_special_tokens=True)):
            return False
        return until(begun + tokenizer.decode(row, skip_special_tokens=True), stops)[1]

    def done(ids: Any, scores: Any, **_: Any) -> Any:
        rows = ids[:, width:].tolist()
        return torch.tensor([stopped(row, begun) for row, begun in zip(rows, opened, strict=True)], device=ids.device)

    return StoppingCriteriaList([done] if stops else [])


def _cache(kept: Kept) -> Any:
    """A cache that begins with ``kept``, each layer's keys and values, and leaves them as they are."""
    from transformers import DynamicCache

    cache = DynamicCache()
    for layer, (keys, values) in enumerate(kept):
        cache.update(keys, values, layer)
    return cache


def _logprobs(logits: Any, rows: Sequence[int], tokens: Sequence[int]) -> list[float]:
    """The log-probabilities of ``tokens``, each in its row of ``logits`` (rows, vocabulary)."""
    if not rows:
        return []
    logits = logits.float()
    found: list[float] = (logits[rows, tokens] - logits.logsumexp(-1)[rows]).tolist()
    return found
