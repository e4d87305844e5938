"""A causal language model at work: passes over pieces of a trie, over rows of prompts, and steps of texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from harness.engines.endings import Ending, criteria
from harness.engines.trie import Pass, Read
from harness.errors import HarnessError
from harness.types import Tokens

Kept: TypeAlias = list[tuple[Any, Any]]
"""Each layer's keys and values (rows, heads, tokens, size) of tokens that need not be computed again."""


class Network:
    """The network ``lm`` on ``device``. Only this file, ``cache`` and ``writing`` know tensors."""

    def __init__(self, lm: Any, device: str) -> None:
        self._lm, self.device = lm, device

    @property
    def dtype(self) -> Any:
        return self._lm.dtype

    @property
    def width(self) -> int:
        """Bytes of a number."""
        return int(self._lm.dtype.itemsize)

    def free(self) -> int | None:
        """Bytes of GPU memory that could be had; None on a CPU."""
        import torch

        if not self.device.startswith("cuda"):
            return None
        held = torch.cuda.memory_reserved(self.device) - torch.cuda.memory_allocated(self.device)
        return int(torch.cuda.mem_get_info(self.device)[0] + held)

    @property
    def final(self) -> frozenset[int]:
        """The tokens that its own configuration of generation ends a text by."""
        told = getattr(getattr(self._lm, "generation_config", None), "eos_token_id", None)
        return frozenset(told if isinstance(told, list) else () if told is None else (told,))

    def walk(self, part: Pass, kept: Kept) -> tuple[list[float], Kept]:
        """What ``part`` reads, and the keys and values of each layer for the pass that follows."""
        import torch

        nodes = sorted({read.node for read in part.reads})
        places = {node: row for row, node in enumerate(nodes)}
        rows = [places[read.node] for read in part.reads]
        with torch.inference_mode():
            logits, layers = self._through(part, kept, nodes)
            return _logprobs(logits, rows, [read.token for read in part.reads]), self._path(part, layers)

    def read(self, part: Pass, kept: Kept) -> tuple[dict[int, Any], Kept, Kept]:
        """Of each node that ``part`` reads the logits of what follows; the keys and values of all its nodes; and those
        for the pass that follows."""
        import torch

        nodes, count = sorted({read.node for read in part.reads}), len(part.tokens)
        with torch.inference_mode():
            logits, layers = self._through(part, kept, nodes)
            own = [
                (keys[..., -count:, :].contiguous(), values[..., -count:, :].contiguous()) for keys, values in layers
            ]
            return dict(zip(nodes, logits, strict=True)), own, self._path(part, layers)

    def _through(self, part: Pass, kept: Kept, nodes: list[int]) -> tuple[Any, Kept]:
        """The logits after each of ``nodes``, and the keys and values of all columns of ``part``."""
        import torch

        out = self._lm(
            torch.tensor([part.tokens], device=self.device),
            past_key_values=_cache(kept),
            use_cache=True,
            attention_mask=self._mask(part),
            position_ids=torch.tensor([part.depths], device=self.device),
            logits_to_keep=torch.tensor(nodes, dtype=torch.long, device=self.device),
        )
        return out.logits[0], [(layer.keys, layer.values) for layer in out.past_key_values.layers]

    def _path(self, part: Pass, layers: Kept) -> Kept:
        import torch

        path = torch.tensor(part.path, dtype=torch.long, device=self.device)
        return [(keys.index_select(-2, path), values.index_select(-2, path)) for keys, values in layers]

    def step(self, ids: Any, cache: Any, mask: Any, positions: Any) -> Any:
        """The logits (groups, rows, vocabulary) after each of ``ids`` (groups, rows), whose keys and values enter
        ``cache``. ``mask`` (groups, 1, rows, columns) is additive."""
        return self._lm(ids, past_key_values=cache, use_cache=True, attention_mask=mask, position_ids=positions).logits

    def moved(self, kept: Kept, shared: int, depth: int) -> Kept:
        """``kept`` as the path to a later node ``depth`` deep, of which the first ``shared`` columns are the same. The
        others are empty."""
        import torch

        if not kept or kept[0][0].shape[-2] == shared == depth:
            return kept

        def filled(columns: Any) -> Any:
            return torch.nn.functional.pad(columns[..., :shared, :], (0, 0, 0, depth - shared))

        return [(filled(keys), filled(values)) for keys, values in kept]

    def joined(self, pieces: Sequence[Kept]) -> Kept:
        """The columns of all ``pieces``, one after the other. The first may be no layers at all."""
        import torch

        with torch.inference_mode():
            layers = zip(*(piece for piece in pieces if piece), strict=True)
            return [(torch.cat([k for k, _ in each], -2), torch.cat([v for _, v in each], -2)) for each in layers]

    def _mask(self, part: Pass) -> Any:
        """The additive mask (1, 1, nodes, kept + nodes) of a pass: 0 where a node sees a column."""
        import torch

        ends = torch.tensor(part.ends, device=self.device)
        nodes = torch.arange(len(part.tokens), device=self.device)[:, None]
        columns = torch.arange(len(ends), device=self.device) - (len(ends) - len(nodes))
        unseen = (columns > nodes) | (nodes >= ends)
        mask = torch.zeros(unseen.shape, dtype=self.dtype, device=self.device)
        return mask.masked_fill_(unseen, torch.finfo(mask.dtype).min)[None, None]

    def rows(self, rows: Sequence[Tokens], reads: Sequence[Sequence[Read]]) -> list[float]:
        """What ``reads`` asks of each right-padded row, a node being a place in it. A token sees nothing after it, so
        padding changes no answer."""
        import torch

        width = max(map(len, rows))
        ids = torch.tensor([list(row) + [0] * (width - len(row)) for row in rows], device=self.device)
        mask = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in rows], device=self.device)
        with torch.inference_mode():
            logits = self._lm(ids, attention_mask=mask, use_cache=False).logits
            places = sorted({(row, read.node) for row, each in enumerate(reads) for read in each})
            found = {place: i for i, place in enumerate(places)}
            picked = logits[[row for row, _ in places], [node for _, node in places]]
            at = [found[row, read.node] for row, each in enumerate(reads) for read in each]
            return _logprobs(picked, at, [read.token for each in reads for read in each])

    def slopes(self, prompt: Tokens, answer: Tokens) -> list[float]:
        """Gradient x input of each token of ``prompt``: how far the log-probability of ``answer`` after it would fall
        if the token's embedding went to 0, were the network linear (Denil et al., 2014; Shrikumar et al., 2017)."""
        import torch

        ids = torch.tensor([[*prompt, *answer]], device=self.device)
        words = self._lm.get_input_embeddings()(ids).detach().requires_grad_(True)
        with torch.enable_grad():
            logits = self._lm(inputs_embeds=words, use_cache=False).logits[0, len(prompt) - 1 : -1]
            said = torch.tensor(answer, device=self.device)
            total = torch.log_softmax(logits.float(), -1).gather(-1, said[:, None]).sum()
            (slope,) = torch.autograd.grad(total, words)
        found: list[float] = (slope * words.detach())[0, : len(prompt)].float().sum(-1).tolist()
        return found

    def write(self, endings: Sequence[Ending], pad: int) -> list[list[int]]:
        """The tokens written after each prompt, which are of one kind, by transformers' own loop: padding, which
        nothing sees, stands before them. What comes after a text's end is to be cut off."""
        import torch

        how = endings[0].how
        prompts = [ending.request.prompt for ending in endings]
        width = max(map(len, prompts))
        gaps = [width - len(prompt) for prompt in prompts]
        ids = [[*[pad] * gap, *row] for row, gap in zip(prompts, gaps, strict=True)]
        mask = [[0] * gap + [1] * (width - gap) for gap in gaps]
        sampled = {"do_sample": True, "temperature": how.temperature} if how.temperature > 0 else {"do_sample": False}
        with torch.inference_mode(), torch.random.fork_rng():
            torch.manual_seed(how.seed)
            out = self._lm.generate(
                input_ids=torch.tensor(ids, device=self.device),
                attention_mask=torch.tensor(mask, device=self.device),
                max_new_tokens=how.max_tokens,
                pad_token_id=pad,
                eos_token_id=sorted(endings[0].final) or None,
                stopping_criteria=criteria(endings, width),
                **sampled,
            )
        if out.shape[0] != len(ids):
            raise HarnessError(f"generate returned {out.shape[0]} rows for {len(ids)} prompts.")
        made: list[list[int]] = out[:, width:].tolist()
        return made


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
