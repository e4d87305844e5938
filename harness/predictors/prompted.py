"""A language model behind a template: ``fit`` indexes the demonstrations, ``predict`` renders, encodes and asks."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Self

from harness import parse
from harness.encode import Encoded, Encoder
from harness.errors import InputError, unknown
from harness.journal import Journal, request_key
from harness.plan import sequences, trie_size
from harness.selectors import Demos, Selection, Selector
from harness.template import Template
from harness.types import Answer, Engine, Example, Prediction, Request, Sampling, Signature, Status, Trace, Usage

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
            template=f"{self.template.name}@{self.template.sha[:8]}",
            shots=self.shots,
            **demos,
            mode=self.mode,
            overlength=self.overlength,
            **self.engine.identity,
        )

    def fit(self, train: Sequence[Example], dev: Sequence[Example] = ()) -> Self:
        self._select = Selection(self.selector, train, self.shots, self.order, self.seed)
        return self

    def predict(self, examples: Sequence[Example]) -> Iterator[Prediction]:
        """Predictions as answers come: first those the journal holds, then the engine's. All prompts are rendered
        and measured before the first token is computed, so a bad one stops the run before it costs anything."""
        asked: dict[str, list[tuple[Example, Demos, int]]] = {}
        requests: dict[str, Request] = {}
        for example in examples:
            demos = self.demos(example)
            made = self._request(example, *self._fitting(example, demos))
            if made is None:
                yield Prediction(example.id, None, Status.SKIPPED, trace=Trace(excluded=demos.excluded))
                continue
            request, dropped = made
            requests[request.key] = request
            asked.setdefault(request.key, []).append((example, demos, dropped))
        self.trie_tokens = trie_size(row for request in requests.values() for row in sequences(request))
        for answer in self._answers(requests):
            usage = answer.usage
            for example, demos, dropped in asked[answer.key]:
                yield self._prediction(answer, usage, example, demos, dropped)
                usage = Usage()  # one computation, however many items asked for it

    def demos(self, example: Example) -> Demos:
        """The demonstrations of ``example``, before any is dropped for length."""
        return self._select(example)

    def _fitting(self, example: Example, demos: Demos) -> tuple[int, Encoded]:
        """How many demonstrations are dropped to fit, and the tokens that are left."""
        dropped, encoded = 0, self._encoded(example, demos, 0)
        while (
            self.overlength == "drop-demos" and self._length(encoded) > self.engine.max_length and dropped < self.shots
        ):
            dropped += 1
            encoded = self._encoded(example, demos, dropped)
        return dropped, encoded

    def _encoded(self, example: Example, demos: Demos, dropped: int) -> Encoded:
        return Encoder(self.engine.tokenizer).encode(self.template.render(example, demos.examples[dropped:]))

    def _length(self, encoded: Encoded) -> int:
        if self.mode == "generate":
            return len(encoded.prompt) + self.template.settings.max_tokens
        return len(encoded.prompt) + max(map(len, encoded.choices or ((),)))

    def _request(self, example: Example, dropped: int, encoded: Encoded) -> tuple[Request, int] | None:
        length = self._length(encoded)
        if length > self.engine.max_length:
            if self.overlength == "skip":
                return None
            raise InputError(
                f"example {example.id!r}: the prompt and its answer take {length} tokens, but the model "
                f"{self.engine.identity['model']!r} takes {self.engine.max_length}. Use fewer shots, or "
                "--on-overlength drop-demos or skip."
            )
        choices = encoded.choices if self.mode == "score" else None
        sampling = None
        if self.mode == "generate":
            settings = self.template.settings
            sampling = Sampling(settings.max_tokens, stop=tuple(settings.stop), seed=self.seed)
        key = request_key(self.engine.identity, encoded.prompt, choices, sampling)
        return Request(key, encoded.prompt, choices, sampling), dropped

    def _answers(self, requests: dict[str, Request]) -> Iterator[Answer]:
        known = set()
        for answer in self.journal.look_up(requests) if self.journal else ():
            known.add(answer.key)
            yield Answer(answer.key, answer.text, answer.finish, answer.choice_logprobs, _cached(answer.usage))
        ask = self.engine.score if self.mode == "score" else self.engine.generate
        for answer in ask([request for key, request in requests.items() if key not in known]):
            if self.journal:
                self.journal.record(answer)
            yield answer

    def _prediction(self, answer: Answer, usage: Usage, example: Example, demos: Demos, dropped: int) -> Prediction:
        used = demos.examples[dropped:]
        shown = tuple(e.id for e in used)
        logprobs = answer.choice_logprobs
        trace = Trace(shown, demos.excluded, dropped, raw=answer.text, usage=usage, choice_logprobs=logprobs)
        if answer.choice_logprobs is None:
            words = {label.name: label.answer for label in self.template.labels}
            output = parse.strict(answer.text, words)
            return Prediction(example.id, output, Status.OK if output else Status.UNPARSED, trace=trace)
        sums = [math.fsum(choice) for choice in answer.choice_logprobs]
        top = max(sums)
        total = top + math.log(math.fsum(math.exp(s - top) for s in sums))
        names = [label.name for label in self.template.labels]
        return Prediction(example.id, names[sums.index(top)], Status.OK, tuple(s - total for s in sums), trace)


def _cached(usage: Usage) -> Usage:
    """What a remembered answer costs: nothing is computed or generated again."""
    return Usage(submitted=usage.submitted)
