"""A language model behind a template: ``fit`` indexes the demonstrations, ``predict`` renders, encodes and asks."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, Self

from harness.engines.inference import Asked, Inquiry, Sheet
from harness.engines.journal import Journal, request_key
from harness.errors import InputError, unknown
from harness.prompt import control, parse
from harness.prompt.encode import Encoded, Encoder
from harness.prompt.selectors import Demos, Selection, Selector
from harness.prompt.template import Template
from harness.types import (
    Answer,
    Engine,
    Example,
    Prediction,
    Prompt,
    Request,
    Sampling,
    Signature,
    Status,
    Trace,
    Usage,
)

MODES = ("score", "generate")
OVERLENGTH = ("error", "drop-demos", "skip")


class Prompted:
    """Zero- or few-shot classification.

    ``mode`` ``score`` takes the label whose answer word the model finds likeliest (sum of its tokens'
    log-probabilities); ``generate`` lets it write and parses. ``overlength`` says what becomes of a prompt that does
    not fit: ``error``, ``drop-demos`` (the first ones go until it fits) or ``skip``.
    """

    def __init__(
        self,
        template: Template,
        engine: Engine,
        selector: Selector,
        shots: int = 0,
        order: str = "ascending",
        seed: int = 0,
        mode: str = "score",
        overlength: str = "error",
        journal: Journal | None = None,
    ) -> None:
        if mode not in MODES:
            raise unknown("mode", mode, MODES)
        if overlength not in OVERLENGTH:
            raise unknown("over-length policy", overlength, OVERLENGTH)
        self.template, self.engine, self.selector, self.journal = template, engine, selector, journal
        self.shots, self.order, self.seed, self.mode, self.overlength = shots, order, seed, mode, overlength
        if engine.tokenizer is None and mode == "score":
            raise InputError(
                f"the server of {engine.identity['model']!r} is sent text, so it cannot score labels by likelihood. "
                "Use --mode generate, or name its tokenizer: --engine-with tokenizer=NAME."
            )
        self.name = f"{engine.identity['model']} {shots}-shot"
        self.trie_tokens = 0

    @property
    def history(self) -> Sequence[Mapping[str, float]]:
        return ()

    @property
    def drawn(self) -> bool:
        """Whether the seed matters."""
        return self.shots > 0

    @property
    def settings(self) -> Mapping[str, Any]:
        return {
            "template": self.template.name,
            "selector": self.selector.name if self.shots else None,
            "shots": self.shots,
            "order": self.order if self.shots else None,
            "model": self.engine.identity["model"],
        }

    @property
    def signature(self) -> Signature:
        demos = {"selector": self.selector, "order": self.order, "seed": self.seed} if self.shots else {}
        return Signature.of(
            predictor="prompt",
            template=f"{self.template.name}@{self.template.digest[:8]}",
            shots=self.shots,
            **demos,
            mode=self.mode,
            overlength=self.overlength,
            **self.manner,
            **self.engine.identity,
        )

    def fit(self, train: Sequence[Example], dev: Sequence[Example] = ()) -> Self:
        self._select = Selection(self.selector, train, self.shots, self.order, self.seed)
        return self

    def predict(self, examples: Sequence[Example]) -> Iterator[Prediction]:
        """Predictions as answers come: first those the journal holds, then the engine's."""
        self.trie_tokens = 0
        yield from (prediction for _, prediction in Inquiry([self], examples).predictions())

    def demos(self, examples: Sequence[Example]) -> list[Demos]:
        """The demonstrations of each example, before any is dropped for length."""
        return self._select.all(examples)

    def sheet(self, examples: Sequence[Example]) -> Sheet:
        """Render and measure the prompts. Raises InputError for one that does not fit, under the policy ``error``."""
        made = Sheet()
        chosen = self.demos(examples)
        prompts = [self.template.render(e, d.examples) for e, d in zip(examples, chosen, strict=True)]
        for example, demos, prompt, encoded in zip(examples, chosen, prompts, self.encode(prompts), strict=True):
            request, dropped = self._request(example, prompt, encoded), 0
            while request is None and self.overlength == "drop-demos" and dropped < len(demos.examples):
                dropped += 1
                shorter = self.template.render(example, demos.examples[dropped:])
                request = self._request(example, shorter, self.encode([shorter])[0])
            if request is None:
                made.skipped.append(Prediction(example.id, None, Status.SKIPPED, trace=Trace(excluded=demos.excluded)))
                continue
            made.requests[request.key] = request
            shown = tuple(demo.id for demo in demos.examples[dropped:])
            asked = Asked(example, shown, dropped, demos.excluded, encoded is None and self._obeyed(example, demos))
            made.asked.setdefault(request.key, []).append(asked)
        return made

    def encode(self, prompts: Sequence[Prompt]) -> Sequence[Encoded | None]:
        """The prompts' tokens; None for each where the engine has no tokenizer, and sends them as they are."""
        if self.engine.tokenizer is None:
            return [None] * len(prompts)
        return self._encoder.encode(prompts)

    @cached_property
    def _encoder(self) -> Encoder:
        return Encoder(self.engine.tokenizer, self.template, self.mode == "score")

    @property
    def manner(self) -> Mapping[str, str]:
        """What becomes of prompts besides being rendered and encoded (see ``Encoder.manner``)."""
        return {} if self.engine.tokenizer is None else self._encoder.manner

    def forged(self, prompt: Prompt) -> bool:
        """Whether the prompt's data hold control tokens, which are encoded as plain text."""
        return self.engine.tokenizer is not None and self._encoder.forged(prompt)

    def _request(self, example: Example, prompt: Prompt, encoded: Encoded | None) -> Request | None:
        """What asks ``prompt``; None where it is too long and that is no error."""
        sampling = self._sampling(prompt) if self.mode == "generate" else None
        if encoded is None:
            assert sampling is not None
            kwargs = self.template.settings.chat_template_kwargs
            chat = json.dumps(kwargs, sort_keys=True) if kwargs and not isinstance(prompt.content, str) else ""
            key = request_key(self.engine.identity, (), None, sampling, prompt.content, chat)
            return Request(key, (), None, sampling, prompt.content, chat)
        room = sampling.max_tokens if sampling else max(map(len, encoded.choices or ((),)))
        length = len(encoded.prompt) + room
        if length > self.engine.max_length:
            if self.overlength == "skip" or (self.overlength == "drop-demos" and prompt.demos):
                return None
            raise InputError(
                f"example {example.id!r}: the prompt and its answer take {length} tokens, but the model "
                f"{self.engine.identity['model']!r} takes {self.engine.max_length}. Use fewer shots, or "
                "--on-overlength drop-demos or skip."
            )
        choices = None if sampling else encoded.choices
        key = request_key(self.engine.identity, encoded.prompt, choices, sampling)
        return Request(key, encoded.prompt, choices, sampling)

    def _obeyed(self, example: Example, demos: Demos) -> bool:
        """Whether what a server is sent as text holds data that it may take for control tokens."""
        shown = [label.answer for label in self.template.labels]
        for each in (example, *demos.examples):
            shown += each.inputs.values()
        return any(map(control.looks_like, shown))

    def _sampling(self, prompt: Prompt) -> Sampling:
        how = self.template.settings
        return Sampling(
            how.max_tokens, stop=tuple(how.stop), seed=self.seed, constraint=self.template.constraint(prompt)
        )

    def read(self, asked: Asked, answer: Answer, usage: Usage) -> Prediction:
        """What ``answer`` says of an item; ``usage`` is what it cost."""
        name, logprobs = asked.example.id, answer.choice_logprobs
        trace = Trace(
            asked.demos,
            asked.excluded,
            asked.dropped,
            raw=answer.text,
            usage=usage,
            choice_logprobs=logprobs,
            control=asked.control,
        )
        if logprobs is None:
            words = {label.name: label.answer for label in self.template.labels}
            field = self.template.settings.answer_field
            said = parse.field(answer.text, field) if field else answer.text
            if output := parse.strict(said, words):
                return Prediction(name, output, trace=trace)
            mentioned = parse.lenient(said or answer.text, words)  # JSON that broke off may still mention a label
            return Prediction(name, None, Status.UNPARSED, trace=trace, mentioned=mentioned)
        sums = [math.fsum(choice) for choice in logprobs]
        top = max(sums)
        total = top + math.log(math.fsum(math.exp(s - top) for s in sums))
        output = self.template.labels[sums.index(top)].name
        return Prediction(name, output, Status.OK, tuple(s - total for s in sums), trace)
