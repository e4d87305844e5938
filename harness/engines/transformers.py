"""Hugging Face transformers on CPU or CUDA: the trie of a batch of prompts and choices, each node computed once."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any, TypeAlias

from harness.engines import trie
from harness.engines.endings import Ending
from harness.engines.network import Kept, Network
from harness.engines.room import Room, nodes_within, rows_within
from harness.engines.scores import Scores
from harness.engines.writing import Writing
from harness.errors import InputError
from harness.models.checkpoint import KEPT, Model
from harness.types import Answer, Request, Sampling, Tokens

NODES = 256  # trie nodes of a pass: more only makes its mask larger
GPU_NODES = 4096  # the same on a GPU, where memory allows
ROWS = 64  # texts written side by side: more only wait for one another
GPU_ROWS = 128  # the same on a GPU, where memory allows
PADDED = 32  # the same where prompts must be padded
CPU = 2**33  # bytes that texts side by side may take on a CPU, which does not say what is free
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

    def slopes(self, prompt: Tokens, answer: Tokens) -> list[float]:
        """What each token of ``prompt`` gives the log-probability of ``answer`` after it, by gradient x input."""
        return self._network.slopes(prompt, answer)

    def generate(self, requests: Iterable[Request], known: Container[str] = ()) -> Iterator[Answer]:
        """Prompts are read as a trie, and texts are written side by side; sampled ones alone, each under its own seed.
        Raises InputError for text that is to be held to a constraint."""
        ordered = trie.order(requests)
        for request in ordered:
            assert request.sampling is not None
            if request.sampling.constraint:
                raise InputError(
                    "the engine 'transformers' cannot hold what it generates to a constraint. Use --engine vllm, or "
                    "--mode score, or take the constraint out of the template."
                )
        if all(request.key in known for request in ordered):
            return
        longest = max(len(r.prompt) + (r.sampling.max_tokens if r.sampling else 0) for r in ordered)
        free, stretched = self._network.free(), self._stretched(longest)
        if stretched or not self._takes_trees:
            yield from self._left_padded(ordered, 1 if stretched else PADDED, known)
            return
        nodes, most = (NODES, ROWS) if free is None else (GPU_NODES, GPU_ROWS)
        if free is not None:
            nodes = min(nodes, nodes_within(free, longest, self.model.config, self._network.width))
        rows = min(most, rows_within(CPU if free is None else free, longest, self.model.config, self._network.width))
        writing = Writing(self._network, self.tokenizer, ordered, known, self._room(rows))
        yield from writing.answers(self._room(nodes))

    def _left_padded(self, ordered: Sequence[Request], size: int, known: Container[str]) -> Iterator[Answer]:
        """By transformers' own loop, ``size`` prompts of one kind and of about one length side by side. Batches are cut
        over all requests."""
        kinds: dict[Sampling, list[Request]] = {}
        for request in sorted(ordered, key=lambda request: len(request.prompt), reverse=True):
            assert request.sampling is not None
            kinds.setdefault(request.sampling, []).append(request)
        final, owed = self._network.final | ({self.tokenizer.eos_token_id} - {None}), 0
        for how, asked in kinds.items():
            room, start = self._room(1 if how.temperature > 0 else size), 0
            while start < len(asked):
                batch = asked[start : start + room.size]
                if all(request.key in known for request in batch):
                    start += len(batch)
                    continue
                endings = [Ending.of(request, self.tokenizer, final) for request in batch]
                write = partial(self._network.write, endings, self._padding)
                made = room.attempt(write, len(batch), least=len(batch) == 1)
                if made is None:
                    continue
                start += len(batch)
                owed += sum(len(request.prompt) for request in batch)
                for ending, row in zip(endings, made, strict=True):
                    if ending.request.key not in known:
                        yield ending.answer(ending.cut(row), owed)
                        owed = 0

    @property
    def _padding(self) -> int:
        """A token to pad with."""
        pad, end = self.tokenizer.pad_token_id, self.tokenizer.eos_token_id
        return int(pad if pad is not None else end or 0)


def _gap(one: Scored, two: Scored) -> float:
    """The largest difference between two answers' log-probabilities."""
    return max(abs(x - y) for a, b in zip(one, two, strict=True) for x, y in zip(a, b, strict=True))
