"""Hugging Face transformers on CPU or CUDA: the trie of a batch of prompts and choices, each node computed once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property, partial
from typing import Any

from harness import parse, plan
from harness.engines.room import Room, nodes_within
from harness.engines.scores import Scores
from harness.errors import HarnessError, InputError
from harness.model import Model
from harness.types import Answer, Request, Sampling, Tokens, Usage

NODES = 512  # trie nodes of a pass: more only makes its mask larger
GPU_NODES = 4096  # the same on a GPU, where memory allows
ROWS = 32  # prompts generated from side by side
TOLERANCE = {"float32": 1e-3, "float16": 5e-2, "bfloat16": 3e-1}  # of a log-probability, in the start-up check


class Transformers:
    """Hugging Face transformers, on CPU or CUDA. Scores choices by log-likelihood and generates.

    The trie of all prompts and choices goes through the network branch by branch, in passes of as many nodes as memory
    allows, under a tree mask (each token sees its ancestors only). Between two passes the keys and values of the path
    to the next node are kept, so that every node is computed once, however many levels of prefixes prompts share. A
    start-up check compares that with a plain pass; a model whose attention cannot take a tree mask (sliding windows,
    recurrent layers, ALiBi) is scored plainly instead: rows of about one length side by side. ``lm`` is
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
        probe = plan.order(
            [
                Request("a", tuple(ids[:9]), ((ids[10],), (ids[11], ids[12]), (ids[11], ids[13], ids[14]))),
                Request("b", tuple(ids[:5] + ids[15:18]), ((ids[10],), (ids[11], ids[12]))),
            ]
        )
        try:
            packed = {a.key: a.choice_logprobs for a in self._packed(probe, self._room(7))}
        except (TypeError, ValueError, RuntimeError, NotImplementedError, AttributeError):
            return False
        plain = {a.key: a.choice_logprobs for a in self._plain(probe, self._room(64))}
        worst = max(
            abs(x - y)
            for key in plain
            for one, two in zip(plain[key] or (), packed[key] or (), strict=True)
            for x, y in zip(one, two, strict=True)
        )
        return worst <= TOLERANCE[self.dtype]

    def _room(self, size: int) -> Room:
        return Room(size, self.model.name)

    def score(self, requests: Iterable[Request]) -> Iterator[Answer]:
        """Natural-log probabilities of every choice's tokens, pass by pass."""
        ordered = plan.order(requests)
        if not ordered:
            return
        take = self._packed if self._takes_trees else self._plain
        yield from take(ordered, self._room(self._nodes(max(len(request.prompt) for request in ordered))))

    def _nodes(self, longest: int) -> int:
        """Nodes of a pass, for prompts of up to ``longest`` tokens."""
        import torch

        if not self.device.startswith("cuda"):
            return NODES
        width = self._lm.dtype.itemsize
        held = torch.cuda.memory_reserved(self.device) - torch.cuda.memory_allocated(self.device)
        free = torch.cuda.mem_get_info(self.device)[0] + held
        return min(GPU_NODES, nodes_within(free, longest, self.model.config, width))

    def _packed(self, ordered: Sequence[Request], room: Room) -> Iterator[Answer]:
        """The trie of all, cut where a pass is full; keys and values of the path to the next node are kept."""
        trie, scores = plan.Trie.of(ordered), Scores(ordered)
        start, kept = 0, list[tuple[Any, Any]]()
        while start < len(trie.tokens):
            part = trie.cut(start, start + room.size)
            taken = len(part.tokens)
            done = room.attempt(partial(self._pass, part, kept), taken, least=taken == 1)
            if done is None:
                continue
            values, kept = done
            start += taken
            yield from scores.fill(part.reads, values, taken)

    def _pass(self, part: plan.Pass, kept: Sequence[tuple[Any, Any]]) -> tuple[list[float], list[tuple[Any, Any]]]:
        """What ``part`` reads, and the keys and values of each layer for the pass that follows."""
        import torch

        nodes = sorted({read.node for read in part.reads})
        with torch.inference_mode():
            out = self._lm(
                torch.tensor([part.tokens], device=self.device),
                past_key_values=_cache(kept),
                use_cache=True,
                attention_mask=self._mask(part),
                position_ids=torch.tensor([part.depths], device=self.device),
                logits_to_keep=torch.tensor(nodes, dtype=torch.long, device=self.device),
            )
            path = torch.tensor(part.path, dtype=torch.long, device=self.device)
            layers = out.past_key_values.layers
            kept = [(layer.keys.index_select(-2, path), layer.values.index_select(-2, path)) for layer in layers]
            places = {node: row for row, node in enumerate(nodes)}
            rows = [places[read.node] for read in part.reads]
            return _logprobs(out.logits[0], rows, [read.token for read in part.reads]), kept

    def _mask(self, part: plan.Pass) -> Any:
        """The additive mask (1, 1, nodes, kept + nodes) of a pass: 0 where a node sees a column."""
        import torch

        ends = torch.tensor(part.ends, device=self.device)
        nodes = torch.arange(len(part.tokens), device=self.device)[:, None]
        columns = torch.arange(len(ends), device=self.device) - (len(ends) - len(nodes))
        unseen = (columns > nodes) | (nodes >= ends)
        mask = torch.zeros(unseen.shape, dtype=self._lm.dtype, device=self.device)
        return mask.masked_fill_(unseen, torch.finfo(mask.dtype).min)[None, None]

    def _plain(self, ordered: Sequence[Request], room: Room) -> Iterator[Answer]:
        """Each distinct prompt + choice is a row, run in full beside others of about its length."""
        rows: dict[tuple[int, Tokens], list[plan.Read]] = {}
        for number, request in enumerate(ordered):
            for which, choice in enumerate(request.choices or ()):
                reads = rows.setdefault((number, choice[:-1]), [])
                for place, token in enumerate(choice, len(request.prompt) - 1):
                    reads.append(plan.Read(place, number, which, place + 1 - len(request.prompt), token))
        scores, start = Scores(ordered), 0
        waiting = sorted(rows, key=lambda row: len(ordered[row[0]].prompt) + len(row[1]), reverse=True)
        while start < len(waiting):
            number, tail = waiting[start]
            width = len(ordered[number].prompt) + len(tail)
            keys = waiting[start : start + max(1, room.size // width)]
            ids = [ordered[number].prompt + tail for number, tail in keys]
            reads = [rows[key] for key in keys]
            values = room.attempt(partial(self._rows, ids, reads), width * len(ids), least=len(ids) == 1)
            if values is None:
                continue
            start += len(ids)
            yield from scores.fill([read for row in reads for read in row], values, sum(map(len, ids)))

    def _rows(self, rows: Sequence[Tokens], reads: Sequence[Sequence[plan.Read]]) -> list[float]:
        """What each right-padded row reads: a token sees nothing after it, so padding changes no answer."""
        import torch

        width = max(map(len, rows))
        ids = torch.tensor([list(row) + [0] * (width - len(row)) for row in rows], device=self.device)
        mask = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in rows], device=self.device)
        with torch.inference_mode():
            logits = self._lm(ids, attention_mask=mask).logits
            places = sorted({(row, read.node) for row, each in enumerate(reads) for read in each})
            found = {place: i for i, place in enumerate(places)}
            picked = logits[[row for row, _ in places], [node for _, node in places]]
            at = [found[row, read.node] for row, each in enumerate(reads) for read in each]
            return _logprobs(picked, at, [read.token for each in reads for read in each])

    def generate(self, requests: Iterable[Request]) -> Iterator[Answer]:
        """Greedy requests go in left-padded batches of about one length, behind the head that all of a kind share;
        sampled ones alone, each under its own seed, so that an answer never depends on its neighbours. Raises
        InputError for text that is to be held to a constraint."""
        kinds: dict[Sampling, list[Request]] = {}
        for request in plan.order(requests):
            assert request.sampling is not None
            if request.sampling.constraint:
                raise InputError(
                    "the engine 'transformers' cannot hold what it generates to a constraint. Use --engine vllm, or "
                    "--mode score, or take the constraint out of the template."
                )
            kinds.setdefault(request.sampling, []).append(request)
        for how, asked in kinds.items():
            yield from self._written(asked, how)

    def _written(self, asked: Sequence[Request], how: Sampling) -> Iterator[Answer]:
        """Answers to requests in order that are of one kind."""
        room = self._room(1 if how.temperature > 0 else ROWS)
        head = plan.shared(asked[0].prompt, asked[-1].prompt) if len(asked) > 1 and self._takes_trees else 0
        head = min(head, *(len(request.prompt) - 1 for request in asked))
        kept = room.attempt(partial(self._head, asked[0].prompt[:head]), 1, least=True) or []
        waiting = sorted(asked, key=lambda request: len(request.prompt), reverse=True)
        start, shared = 0, head
        while start < len(waiting):
            batch = waiting[start : start + room.size]
            made = room.attempt(partial(self._write, batch, how, head, kept), len(batch), least=len(batch) == 1)
            if made is None:
                continue
            start += len(batch)
            for request, row in zip(batch, made, strict=True):
                yield self._answer(request, how, row, len(request.prompt) - head + shared)
                shared = 0

    def _head(self, head: Tokens) -> list[tuple[Any, Any]]:
        """Each layer's keys and values of ``head``."""
        import torch

        if not head:
            return []
        with torch.inference_mode():
            out = self._lm(torch.tensor([head], device=self.device), use_cache=True, logits_to_keep=1)
        return [(layer.keys, layer.values) for layer in out.past_key_values.layers]

    def _write(
        self, batch: Sequence[Request], how: Sampling, head: int, kept: Sequence[tuple[Any, Any]]
    ) -> list[list[int]]:
        """The tokens written after each prompt. The first ``head`` tokens of all are in ``kept``; padding, which
        nothing sees, stands between them and the rest."""
        import torch

        width = max(len(r.prompt) for r in batch)
        pad = self._pad
        gaps = [width - len(r.prompt) for r in batch]
        ids = [[*r.prompt[:head], *[pad] * gap, *r.prompt[head:]] for r, gap in zip(batch, gaps, strict=True)]
        mask = [[1] * head + [0] * gap + [1] * (width - head - gap) for gap in gaps]
        spread = [(keys.expand(len(batch), -1, -1, -1), values.expand(len(batch), -1, -1, -1)) for keys, values in kept]
        sampled = {"do_sample": True, "temperature": how.temperature} if how.temperature > 0 else {"do_sample": False}
        with torch.inference_mode(), torch.random.fork_rng():
            torch.manual_seed(how.seed)
            out = self._lm.generate(
                torch.tensor(ids, device=self.device),
                attention_mask=torch.tensor(mask, device=self.device),
                max_new_tokens=how.max_tokens,
                pad_token_id=pad,
                stop_strings=list(how.stop) or None,
                tokenizer=self.tokenizer,
                **({"past_key_values": _cache(spread)} if spread else {}),
                **sampled,
            )
        if out.shape[0] != len(batch):
            raise HarnessError(f"{self.model.name}: generate returned {out.shape[0]} rows for {len(batch)} prompts.")
        made: list[list[int]] = out[:, width:].tolist()
        return made

    @property
    def _pad(self) -> int:
        pad = self.tokenizer.pad_token_id
        return int(pad if pad is not None else self.tokenizer.eos_token_id or 0)

    def _answer(self, request: Request, how: Sampling, made: list[int], fed: int) -> Answer:
        """``made`` as text, of which ``fed`` tokens of the prompt were computed."""
        eos = self.tokenizer.eos_token_id
        ended = eos in made
        row = made[: made.index(eos)] if ended else made
        text, stopped = parse.until(self.tokenizer.decode(row, skip_special_tokens=True), how.stop)
        new = min(len(row) + 1, how.max_tokens)
        usage = Usage(len(request.prompt), fed + new - 1, new)
        return Answer(request.key, text, "stop" if ended or stopped else "length", usage=usage)


def _cache(kept: Sequence[tuple[Any, Any]]) -> Any:
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
