"""Hugging Face transformers on CPU or CUDA: the trie of a batch of prompts and choices, each node computed once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from harness import parse, plan
from harness.errors import HarnessError, InputError
from harness.model import Model
from harness.types import Answer, Request, Tokens, Usage

NODES = 512  # trie nodes a forward pass takes besides the shared head
ROWS = 32  # prompts generated from side by side
TOLERANCE = {"float32": 1e-3, "float16": 5e-2, "bfloat16": 3e-1}  # of a log-probability, in the start-up check


class Transformers:
    """Hugging Face transformers, on CPU or CUDA. Scores choices by log-likelihood and generates.

    The prefix that a pack of neighbouring prompts share is run once and its keys and values kept; the rest of the
    pack's trie goes through in one pass under a tree mask (each token sees its ancestors only), so that every choice
    of an item is read from one pass over its prompt. A start-up check compares that with a plain pass; a model whose
    attention cannot take a tree mask (sliding windows, recurrent layers, ALiBi) is scored plainly instead. ``lm`` is
    the network itself, where it is loaded already: a fine-tuned one, whose answers must not be journaled under the name
    of ``model``.
    """

    def __init__(
        self,
        model: str,
        revision: str | None = None,
        dtype: str = "auto",
        device: str | None = None,
        trust_remote_code: bool = False,
        lm: Any = None,
    ) -> None:
        if dtype not in ("auto", *TOLERANCE):
            raise InputError(f"dtype {dtype!r}: use auto, {', '.join(TOLERANCE)}.")
        self.model = Model(model, revision)
        self._dtype, self._device, self._trust, self._given = dtype, device, trust_remote_code, lm

    @cached_property
    def device(self) -> str:
        import torch

        return self._device or ("cuda" if torch.cuda.is_available() else "cpu")

    @cached_property
    def dtype(self) -> str:
        """``auto`` is float32 on CPU and the checkpoint's own type on a GPU."""
        if self._dtype != "auto":
            return self._dtype
        stored = getattr(self.model.config, "dtype", None) if self.device != "cpu" else None
        return str(stored).removeprefix("torch.") if stored else "float32"

    @cached_property
    def identity(self) -> Mapping[str, str]:
        import transformers

        return {
            "model": self.model.name,
            "weights": self.model.fingerprint,
            "engine": f"transformers-{transformers.__version__}",
            "dtype": self.dtype,
            "device": self.device,
        }

    @property
    def tokenizer(self) -> Any:
        return self.model.tokenizer

    @property
    def max_length(self) -> int:
        """Tokens of prompt and answer together that the model takes. Virtual ones, that a tuned ``lm`` has in front of
        every text, are not among them."""
        return self.model.max_length - int(getattr(self._given, "reserved", 0))

    @cached_property
    def _lm(self) -> Any:
        import torch
        from transformers import AutoModelForCausalLM

        if self._given is not None:
            return self._given.eval()
        dtype = getattr(torch, self.dtype)
        lm = self.model.load(AutoModelForCausalLM, dtype=dtype, trust_remote_code=self._trust)
        return lm.to(self.device).eval()

    @cached_property
    def _takes_trees(self) -> bool:
        """Whether packed scoring equals plain scoring on a small probe."""
        text = self.model.config.get_text_config()
        kinds = set(getattr(text, "layer_types", None) or ())
        if kinds - {"full_attention"} or (not kinds and getattr(text, "sliding_window", None)):
            return False
        ids = [i % text.vocab_size for i in range(11, 31)]
        probe = [
            Request("a", tuple(ids[:9]), ((ids[10],), (ids[11], ids[12]), (ids[11], ids[13], ids[14]))),
            Request("b", tuple(ids[:5] + ids[15:18]), ((ids[10],), (ids[11], ids[12]))),
        ]
        try:
            packed = {a.key: a.choice_logprobs for a in self._packed(plan.order(probe))}
        except (TypeError, ValueError, RuntimeError, NotImplementedError, AttributeError):
            return False
        plain = {a.key: a.choice_logprobs for a in self._plain(probe)}
        worst = max(
            abs(x - y)
            for key in plain
            for one, two in zip(plain[key] or (), packed[key] or (), strict=True)
            for x, y in zip(one, two, strict=True)
        )
        return worst <= TOLERANCE[self.dtype]

    def score(self, requests: Iterable[Request]) -> Iterator[Answer]:
        """Natural-log probabilities of every choice's tokens, pack by pack."""
        ordered = plan.order(requests)
        if not ordered:
            return
        yield from self._packed(ordered) if self._takes_trees else self._plain(ordered)

    def _packed(self, ordered: Sequence[Request]) -> Iterator[Answer]:
        from transformers import DynamicCache

        cache, spine = DynamicCache(), plan.EMPTY

        def keep(length: int) -> None:
            extra = cache.get_seq_length() - length
            if extra > 0:
                cache.crop(-extra)

        for pack in plan.packs(ordered, NODES):
            reads_head = any(row[0] == -1 for rows in pack.reads for row in rows)
            kept = min(plan.shared(spine, pack.head), len(pack.head) - reads_head)
            keep(kept)
            logprobs = self._forward(pack, kept, cache)
            spine = pack.head
            keep(len(spine))
            computed = len(pack.head) - kept + len(pack.nodes)
            for request, rows in zip(pack.requests, pack.reads, strict=True):
                assert request.choices is not None
                scores = tuple(
                    tuple(float(logprobs[node][token]) for node, token in zip(row, choice, strict=True))
                    for row, choice in zip(rows, request.choices, strict=True)
                )
                # A pack's tokens are shared by its requests; its first answer carries the count.
                yield Answer(request.key, choice_logprobs=scores, usage=Usage(plan.submitted(request), computed))
                computed = 0

    def _forward(self, pack: plan.Pack, kept: int, cache: Any) -> dict[int, Any]:
        """Log-probabilities (vocabulary,) after every node that ``pack`` reads; -1 is the head's last token."""
        import torch

        wanted = sorted({node for rows in pack.reads for row in rows for node in row})
        found: dict[int, Any] = {}
        with torch.inference_mode():
            for start in range(kept, len(pack.head), NODES):
                part = torch.tensor([pack.head[start : start + NODES]], device=self.device)
                out = self._lm(part, past_key_values=cache, use_cache=True, logits_to_keep=1)
                found[-1] = out.logits[0, -1].float().log_softmax(-1).cpu()
            if pack.nodes:
                mask, depth = self._tree(pack)
                out = self._lm(
                    torch.tensor([pack.nodes], device=self.device),
                    past_key_values=cache,
                    use_cache=True,
                    attention_mask=mask,
                    position_ids=depth,
                    logits_to_keep=torch.tensor([node for node in wanted if node >= 0], device=self.device),
                )
                rows = out.logits[0].float().log_softmax(-1).cpu()
                found.update(zip([node for node in wanted if node >= 0], rows, strict=True))
        return found

    def _tree(self, pack: plan.Pack) -> tuple[Any, Any]:
        """The additive mask (1, 1, nodes, head + nodes) and the positions (1, nodes) of a pack's trie."""
        import torch

        n, head = len(pack.nodes), len(pack.head)
        sees = torch.eye(n, dtype=torch.bool)
        depth = torch.empty(n, dtype=torch.long)
        for node, parent in enumerate(pack.parents):
            depth[node] = head if parent < 0 else depth[parent] + 1
            if parent >= 0:
                sees[node] |= sees[parent]
        sees = torch.cat([torch.ones(n, head, dtype=torch.bool), sees], dim=1).to(self.device)
        dtype = self._lm.dtype
        mask = torch.zeros(sees.shape, dtype=dtype, device=self.device).masked_fill(~sees, torch.finfo(dtype).min)
        return mask[None, None], depth[None].to(self.device)

    def _plain(self, requests: Iterable[Request]) -> Iterator[Answer]:
        """One right-padded pass a request: each distinct prompt + choice is a row, run in full."""
        import torch

        for request in requests:
            assert request.choices is not None
            rows = list(dict.fromkeys(plan.sequences(request)))
            logits = self._rows(rows)
            scores = []
            for choice in request.choices:
                row = rows.index(request.prompt + choice[:-1])
                first = len(request.prompt) - 1
                logprobs = logits[row, first : first + len(choice)].float().log_softmax(-1)
                scores.append(tuple(logprobs[range(len(choice)), torch.tensor(choice)].tolist()))
            usage = Usage(plan.submitted(request), sum(map(len, rows)))
            yield Answer(request.key, choice_logprobs=tuple(scores), usage=usage)

    def _rows(self, rows: Sequence[Tokens]) -> Any:
        import torch

        width = max(map(len, rows))
        ids = torch.tensor([list(row) + [0] * (width - len(row)) for row in rows], device=self.device)
        mask = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in rows], device=self.device)
        with torch.inference_mode():
            return self._lm(ids, attention_mask=mask).logits.cpu()

    def generate(self, requests: Iterable[Request]) -> Iterator[Answer]:
        """Greedy requests go in left-padded batches; sampled ones alone, each under its own seed, so that an answer
        never depends on its neighbours."""
        ordered = plan.order(requests)
        start = 0
        while start < len(ordered):
            first = ordered[start].sampling
            assert first is not None
            rows = 1 if first.temperature > 0 else ROWS
            batch = [r for r in ordered[start : start + rows] if r.sampling == first]
            yield from self._generate(batch)
            start += len(batch)

    def _generate(self, batch: Sequence[Request]) -> Iterator[Answer]:
        import torch

        how = batch[0].sampling
        assert how is not None
        width = max(len(r.prompt) for r in batch)
        pad = (
            self.tokenizer.pad_token_id if self.tokenizer.pad_token_id is not None else self.tokenizer.eos_token_id or 0
        )
        ids = torch.tensor([[pad] * (width - len(r.prompt)) + list(r.prompt) for r in batch], device=self.device)
        mask = torch.tensor([[0] * (width - len(r.prompt)) + [1] * len(r.prompt) for r in batch], device=self.device)
        sampled = {"do_sample": True, "temperature": how.temperature} if how.temperature > 0 else {"do_sample": False}
        with torch.inference_mode(), torch.random.fork_rng():
            torch.manual_seed(how.seed)
            out = self._lm.generate(
                ids,
                attention_mask=mask,
                max_new_tokens=how.max_tokens,
                pad_token_id=pad,
                stop_strings=list(how.stop) or None,
                tokenizer=self.tokenizer,
                **sampled,
            )
        if out.shape[0] != len(batch):
            raise HarnessError(f"{self.model.name}: generate returned {out.shape[0]} rows for {len(batch)} prompts.")
        eos = self.tokenizer.eos_token_id
        for request, made in zip(batch, out[:, width:].tolist(), strict=True):
            ended = eos in made
            row = made[: made.index(eos)] if ended else made
            text, stopped = parse.until(self.tokenizer.decode(row, skip_special_tokens=True), how.stop)
            new = min(len(row) + 1, how.max_tokens)
            usage = Usage(len(request.prompt), len(request.prompt) + new - 1, new)
            yield Answer(request.key, text, "stop" if ended or stopped else "length", usage=usage)
