"""Hugging Face transformers on CPU or CUDA: the trie of a batch of prompts and choices, each node computed once."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any, TypeAlias

from harness.engines import trie
from harness.engines.network import Kept, Network
from harness.engines.room import Room, nodes_within
from harness.engines.scores import Scores
from harness.errors import InputError
from harness.models.checkpoint import KEPT, Model
from harness.tokens import TAIL, opening, shared, until
from harness.types import Answer, Request, Sampling, Tokens, Usage

NODES = 256  # trie nodes of a pass: more only makes its mask larger
GPU_NODES = 4096  # the same on a GPU, where memory allows
ROWS = 32  # prompts generated from side by side
TOLERANCE = {"float32": 1e-3, "float16": 5e-2, "bfloat16": 3e-1}  # of a log-probability, in the start-up check

Scored: TypeAlias = Sequence[Sequence[float]]


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
        home: Path = KEPT,
    ) -> None:
        if dtype not in ("auto", *TOLERANCE):
            raise InputError(f"dtype {dtype!r}: use auto, {', '.join(TOLERANCE)}.")
        self.model = Model(model, revision, home, trust_remote_code)
        self._dtype, self._device, self._given = dtype, device, lm

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
            **self.model.identity,
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
    def _network(self) -> Network:
        import torch
        from transformers import AutoModelForCausalLM

        lm = self._given
        if lm is None:
            dtype = getattr(torch, self.dtype)
            lm = self.model.load(AutoModelForCausalLM, dtype=dtype).to(self.device)
            self.model.check_vocabulary(lm)
        return Network(lm.eval(), self.device)

    @cached_property
    def _takes_trees(self) -> bool:
        """Whether packed scoring equals plain scoring on a small probe."""
        text = self.model.config.get_text_config()
        kinds = set(getattr(text, "layer_types", None) or ())
        if kinds - {"full_attention"} or (not kinds and getattr(text, "sliding_window", None)):
            return False
        ids = [i % text.vocab_size for i in range(11, 31)]
        probe = trie.order(
            [
                Request("a", tuple(ids[:9]), ((ids[10],), (ids[11], ids[12]), (ids[11], ids[13], ids[14]))),
                Request("b", tuple(ids[:5] + ids[15:18]), ((ids[10],), (ids[11], ids[12]))),
            ]
        )
        try:
            packed = {a.key: a.choice_logprobs or () for a in self._packed(probe, self._room(12))}
        except (TypeError, ValueError, RuntimeError, NotImplementedError, AttributeError):
            return False
        plain = {a.key: a.choice_logprobs or () for a in self._plain(probe, self._room(64))}
        # An answer read in the wrong company is about as far off as another prompt's answer.
        far = _gap(plain["a"][:2], plain["b"])
        return max(_gap(packed[key], plain[key]) for key in plain) <= min(TOLERANCE[self.dtype], far / 2)

    def _stretched(self, longest: int) -> bool:
        """Whether prompts of up to ``longest`` tokens reach where a token's position depends on how long its row is, so
        that no prompt can keep another company."""
        text = self.model.config.get_text_config()
        rope = getattr(text, "rope_parameters", None) or {}
        first = rope.get("original_max_position_embeddings") or self.model.max_length
        return rope.get("rope_type") in ("dynamic", "longrope") and longest > first

    def _room(self, size: int) -> Room:
        return Room(size, self.model.name)

    def score(self, requests: Iterable[Request], known: Container[str] = ()) -> Iterator[Answer]:
        """Natural-log probabilities of every choice's tokens, pass by pass. Passes are cut over all ``requests``, and
        those that the others do not need are left out: going on, each answer is the same to the bit (on a CPU)."""
        ordered = trie.order(requests)
        if all(request.key in known for request in ordered):
            return
        longest = max(len(r.prompt) + max(map(len, r.choices or ((),))) - 1 for r in ordered)
        if self._stretched(longest):
            yield from self._plain(ordered, self._room(1), known)
            return
        free = self._network.free()
        nodes = NODES
        if free is not None:
            nodes = min(GPU_NODES, nodes_within(free, longest, self.model.config, self._network.width))
        yield from (self._packed if self._takes_trees else self._plain)(ordered, self._room(nodes), known)

    def _packed(self, ordered: Sequence[Request], room: Room, known: Container[str] = ()) -> Iterator[Answer]:
        """The trie of all, cut where a pass is nearly full; keys and values of the path to the next node are kept.
        Passes without a node that is needed are left out. What others keep of them stays empty: nothing that is needed
        sees it, and a row of a product of matrices depends on their shapes, and not on the other rows."""
        whole, scores = trie.Trie.of(ordered), Scores(ordered, known)
        needed = whole.needed(scores.waiting)
        start, end, kept = 0, 0, Kept()  # ``kept`` is the path to ``end``
        while start < len(whole.tokens):
            stop = whole.end(start, room.size)
            if not any(needed[start:stop]):
                start = stop
                continue
            kept, end = self._network.moved(kept, min(whole.depths[end : start + 1]), whole.depths[start]), start
            part = whole.cut(start, stop)
            taken = stop - start
            done = room.attempt(partial(self._network.walk, part, kept), taken, least=taken == 1)
            if done is None:
                continue
            values, kept = done
            start = end = stop
            yield from scores.fill(part.reads, values, taken)

    def _plain(self, ordered: Sequence[Request], room: Room, known: Container[str] = ()) -> Iterator[Answer]:
        """Each distinct prompt + choice is a row, run in full beside others of about its length."""
        rows: dict[tuple[int, Tokens], list[trie.Read]] = {}
        for number, request in enumerate(ordered):
            for which, choice in enumerate(request.choices or ()):
                found = rows.setdefault((number, choice[:-1]), [])
                for place, token in enumerate(choice, len(request.prompt) - 1):
                    found.append(trie.Read(place, number, which, place + 1 - len(request.prompt), token))
        scores, start = Scores(ordered, known), 0
        waiting = sorted(rows, key=lambda row: len(ordered[row[0]].prompt) + len(row[1]), reverse=True)
        while start < len(waiting):
            number, tail = waiting[start]
            width = len(ordered[number].prompt) + len(tail)
            keys = waiting[start : start + max(1, room.size // width)]
            if not any(number in scores.waiting for number, _ in keys):
                start += len(keys)
                continue
            ids = [ordered[number].prompt + tail for number, tail in keys]
            reads = [rows[key] for key in keys]
            values = room.attempt(partial(self._network.rows, ids, reads), width * len(ids), least=len(ids) == 1)
            if values is None:
                continue
            start += len(ids)
            yield from scores.fill([read for each in reads for read in each], values, sum(map(len, ids)))

    def generate(self, requests: Iterable[Request], known: Container[str] = ()) -> Iterator[Answer]:
        """Greedy requests go in left-padded batches of about one length, behind the head that all of a kind share;
        sampled ones alone, each under its own seed, so that an answer never depends on its neighbours. Raises
        InputError for text that is to be held to a constraint."""
        kinds: dict[Sampling, list[Request]] = {}
        for request in trie.order(requests):
            assert request.sampling is not None
            if request.sampling.constraint:
                raise InputError(
                    "the engine 'transformers' cannot hold what it generates to a constraint. Use --engine vllm, or "
                    "--mode score, or take the constraint out of the template."
                )
            kinds.setdefault(request.sampling, []).append(request)
        for how, asked in kinds.items():
            if any(request.key not in known for request in asked):
                yield from self._written(asked, how, known)

    def _written(self, asked: Sequence[Request], how: Sampling, known: Container[str]) -> Iterator[Answer]:
        """Answers to requests in order that are of one kind, but for those ``known``. Batches are cut over all."""
        room = self._room(1 if how.temperature > 0 else ROWS)
        lengths = [len(request.prompt) for request in asked]
        head = 0
        if how.temperature == 0 and not self._stretched(max(lengths) + how.max_tokens) and self._takes_trees:
            head = min(shared(asked[0].prompt, asked[-1].prompt), min(lengths) - 1)
        kept = room.attempt(partial(self._network.head, asked[0].prompt[:head]), 1, least=True) or []
        waiting = sorted(asked, key=lambda request: len(request.prompt), reverse=True)
        start, owed = 0, head
        while start < len(waiting):
            batch = waiting[start : start + room.size]
            if all(request.key in known for request in batch):
                start += len(batch)
                continue
            prompts = [request.prompt for request in batch]
            write = partial(self._network.write, prompts, how, head, kept, self.tokenizer)
            made = room.attempt(write, len(batch), least=len(batch) == 1)
            if made is None:
                continue
            start += len(batch)
            # Known ones first: what they cost again is the others'.
            for request, row in sorted(zip(batch, made, strict=True), key=lambda pair: pair[0].key not in known):
                answer = self._answer(request, how, row, len(request.prompt) - head + owed)
                owed = answer.usage.computed if request.key in known else 0
                if request.key not in known:
                    yield answer

    def _answer(self, request: Request, how: Sampling, made: list[int], fed: int) -> Answer:
        """``made`` as text, of which ``fed`` tokens of the prompt were computed."""
        eos = self.tokenizer.eos_token_id
        ended = eos in made
        row = made[: made.index(eos)] if ended else made
        begun = opening(self.tokenizer.decode(list(request.prompt[-TAIL:])))
        text, stopped = until(begun + self.tokenizer.decode(row, skip_special_tokens=True), how.stop)
        new = min(len(row) + 1, how.max_tokens)
        usage = Usage(len(request.prompt), fed + new - 1, new)
        return Answer(request.key, text, "stop" if ended or stopped else "length", usage=usage)


def _gap(one: Scored, two: Scored) -> float:
    """The largest difference between two answers' log-probabilities."""
    return max(abs(x - y) for a, b in zip(one, two, strict=True) for x, y in zip(a, b, strict=True))
