"""How likely a model finds whole sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property

from harness.engines.inference import Asked, Inquiry, Sheet
from harness.engines.journal import Journal, request_key
from harness.errors import InputError
from harness.prompt.encode import Encoder
from harness.types import Answer, Engine, Example, Prediction, Prompt, Request, Tokens, Trace, Usage


class Sentences:
    """Asks an engine for the log-probability of each item's options, each as a text of its own: its tokens are scored
    behind the one that texts begin with, which is BOS, or EOS for a tokenizer that has none."""

    def __init__(self, engine: Engine, journal: Journal | None = None) -> None:
        if engine.tokenizer is None:
            raise InputError(
                f"the server of {engine.identity['model']!r} is sent text, so it cannot score a sentence. Name a model "
                "that --engine transformers or vllm loads."
            )
        self.engine, self.journal, self.trie_tokens = engine, journal, 0

    def logprobs(self, items: Sequence[Example]) -> Iterator[tuple[str, tuple[float, ...]]]:
        """The natural-log probability of each option, by the item's id, as answers come."""
        for _, told in Inquiry([self], items).predictions():
            assert told.trace is not None
            yield told.example_id, tuple(sum(row) for row in told.trace.choice_logprobs or ())

    def begin(self) -> Sheet:
        return Sheet()

    def sheet(self, examples: Sequence[Example]) -> Sheet:
        made = Sheet()
        for example in examples:
            choices = tuple(map(self._tokens, example.options))
            if (longest := max(map(len, choices)) + 1) > self.engine.max_length:
                raise InputError(
                    f"item {example.id!r}: a sentence takes {longest} tokens, but the model takes "
                    f"{self.engine.max_length}."
                )
            key = request_key(self.engine.identity, (self._start,), choices, None)
            made.requests[key] = Request(key, (self._start,), choices)
            made.asked.setdefault(key, []).append(Asked(example, (), 0, (), tokens=1))
        return made

    def read(self, asked: Asked, answer: Answer, usage: Usage) -> Iterator[Prediction]:
        yield Prediction(asked.example.id, None, trace=Trace(usage=usage, choice_logprobs=answer.choice_logprobs))

    def close(self) -> Iterator[Prediction]:
        return iter(())

    @cached_property
    def _start(self) -> int:
        tokenizer = self.engine.tokenizer
        found = next((token for token in (tokenizer.bos_token_id, tokenizer.eos_token_id) if token is not None), None)
        if found is None:
            raise InputError(
                f"the tokenizer of {self.engine.identity['model']!r} has no token that a text begins with."
            )
        return int(found)

    @cached_property
    def _encoder(self) -> Encoder:
        return Encoder(self.engine.tokenizer)

    def _tokens(self, sentence: str) -> Tokens:
        (encoded,) = self._encoder.encode([Prompt("", sentence, None, ())])
        return encoded.prompt[encoded.prompt[0] == self._start :]
