"""A language model behind a template: ``fit`` indexes the demonstrations, ``predict`` renders, encodes and asks."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property, partial
from itertools import chain
from typing import Any, Self

from harness.calibration import length
from harness.choice import failed, flaw
from harness.engines.inference import Asked, Inquiry, Sheet
from harness.engines.journal import Journal, request_key
from harness.errors import InputError, unknown
from harness.kinds.words import apart
from harness.predictors.calibrated import NONE, Calibrated
from harness.predictors.premises import Premises, premise
from harness.prompt import control, parse
from harness.prompt.encode import Encoded, Encoder
from harness.prompt.selectors import Demos, Selection, Selector
from harness.prompt.template import Template
from harness.task import budgets
from harness.types import (
    Answer,
    Engine,
    Example,
    Prediction,
    Prompt,
    Request,
    Sampling,
    Signature,
    Spent,
    Status,
    Trace,
    Usage,
)

MODES = ("auto", "score", "generate")
OVERLENGTH = ("error", "drop-demos", "skip")


class Prompted:
    """Zero- or few-shot prompting, for any kind of answers.

    ``mode`` ``score`` takes the answer whose word the model finds likeliest; ``generate`` lets it write and parses;
    ``auto`` is what the template is made for. ``normalize`` says how a word's tokens make its log-probability (see
    ``calibration.length``), ``calibrate`` what is taken off it (see ``calibration``), estimated ``calibrate_on``
    train:N, train or test. ``overlength`` says what becomes of a prompt that does not fit: ``error``,
    ``drop-demos`` (the first ones go until it fits) or ``skip``.
    """

    def __init__(
        self,
        template: Template,
        engine: Engine,
        selector: Selector,
        shots: int = 0,
        order: str = "ascending",
        seed: int = 0,
        mode: str = "auto",
        overlength: str = "error",
        journal: Journal | None = None,
        calibrate: str = NONE,
        calibrate_on: str = "train:64",
        normalize: str = "sum",
    ) -> None:
        if mode not in MODES:
            raise unknown("mode", mode, MODES)
        if overlength not in OVERLENGTH:
            raise unknown("over-length policy", overlength, OVERLENGTH)
        if normalize not in length.LENGTHS:
            raise unknown("normalization", normalize, length.LENGTHS, "--normalize")
        if mode == "auto":
            mode = "score" if template.scored and engine.tokenizer is not None else "generate"
        if mode == "score" and not template.scored:
            raise InputError(
                f"template {template.path}: its answers are written, so there are none to score. Use --mode generate"
                + (
                    f", or a template with `verbalizer: {' or '.join(forms)}`."
                    if (forms := self._forms(template))
                    else "."
                )
            )
        if mode == "generate" and (calibrate, normalize) != (NONE, "sum"):
            raise InputError(
                "--calibrate and --normalize read the labels' log-probabilities, which text that the model writes has "
                "not. Use --mode score, or leave them out."
            )
        kind = template.task.kind
        self.normalize = normalize
        # Where each item has answers of its own, what to take off is asked of each.
        self._premises = Premises() if calibrate == "pmi" and not kind.members else None
        if calibrate != NONE and not self._premises and not kind.members:
            raise InputError(
                f"--calibrate {calibrate}: an answer of kind {kind.name} is not one of a fixed set of labels, so there "
                "is no row of them to mend. Use pmi, or leave it out."
            )
        self._calibrated = None
        if calibrate != NONE and not self._premises:
            choices = template.choices(Example("", {}, "")) or ()  # the same for each item
            self._calibrated = Calibrated(calibrate, calibrate_on, kind, choices)
        self._owed = Usage()
        self.template, self.engine, self.selector, self.journal = template, engine, selector, journal
        self.shots, self.order, self.seed, self.mode, self.overlength = shots, order, seed, mode, overlength
        if engine.tokenizer is None and mode == "score":
            raise InputError(
                f"the server of {engine.identity['model']!r} is sent text, so it cannot score labels by likelihood. "
                "Use --mode generate, or name its tokenizer: --engine-with tokenizer=NAME."
            )
        self.name = f"{engine.identity['model']} {shots}-shot"
        self.trie_tokens = 0

    @staticmethod
    def _forms(template: Template) -> Sequence[str]:
        """The forms of answers in which this kind's would be scored."""
        kind = template.task.kind
        return [form for form in kind.forms if kind.scored(kind.words(form, str(template.path)))]

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
            "calibration": "pmi" if self._premises else self._calibrated.title if self._calibrated else None,
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
            normalize=None if self.normalize == "sum" else self.normalize,
            **self._mended_by,
            **self.manner,
            **self.engine.identity,
        )

    @property
    def _mended_by(self) -> Mapping[str, str]:
        """The calibration, as signatures name it."""
        if self._premises:
            return {"calibrate": "pmi of the item"}
        return dict(self._calibrated.signature.pairs) if self._calibrated else {}

    def fit(self, train: Sequence[Example], dev: Sequence[Example] = ()) -> Self:
        if self.mode == "generate":
            self.template.check_stops(train)
        self._select = Selection(self.selector, train, self.shots, self.order, self.seed)
        if self._calibrated is not None:
            self._train, self._sample = train, self._unshown(train)
        return self

    def _unshown(self, train: Sequence[Example]) -> Sequence[Example]:
        """What a calibration is estimated on: train items that are no demonstration of all others."""
        assert self._calibrated is not None
        shared = () if not self.shots or self.selector.per_item else self._select.shared()
        shown = {demo.id for demo in shared}
        rest = [example for example in train if example.id not in shown]
        if self._calibrated.size is None:
            return rest
        return [rest[place] for place in budgets.by_ids((example.id for example in rest), self._calibrated.size)]

    def predict(self, examples: Sequence[Example]) -> Iterator[Prediction]:
        """Predictions as answers come: first those the journal holds, then the engine's."""
        self.trie_tokens = 0
        yield from (prediction for _, prediction in Inquiry([self], examples).predictions())

    def demos(self, examples: Sequence[Example]) -> list[Demos]:
        """The demonstrations of each example, before any is dropped for length."""
        return self._select.all(examples)

    def begin(self) -> Sheet:
        """What is asked besides the items: the inputs that a calibration needs, those that fit."""
        if self._calibrated is None:
            return Sheet()
        asked = self._calibrated.asks(self._train, self._sample, list(self.template.task.spec.inputs))
        shown = self.demos(asked) if self._calibrated.method.demonstrated else [Demos((), ())] * len(asked)
        try:
            made = self._sheet(asked, shown, item=False)
        except InputError as error:
            raise InputError(f"calibration {self._calibrated.name!r}: {error}") from None
        self._calibrated.begin([each.example for entries in made.asked.values() for each in entries])
        made.skipped.clear()
        return made

    def sheet(self, examples: Sequence[Example]) -> Sheet:
        """Render and measure the prompts. Raises InputError for one that does not fit, under the policy ``error``."""
        made = self._sheet(examples, self.demos(examples))
        if self._premises:
            asked = {each.example.id for entries in made.asked.values() for each in entries}
            emptied = [premise(example) for example in examples if example.id in asked]
            made.add(self._sheet(emptied, [Demos((), ())] * len(emptied), item=False))
        return made

    def _sheet(self, examples: Sequence[Example], chosen: Sequence[Demos], item: bool = True) -> Sheet:
        made = Sheet()
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
            obeyed = encoded is None and self._obeyed(example, demos)
            asked = Asked(example, shown, dropped, demos.excluded, obeyed, item, len(request.prompt))
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
        shown = list(self.template.words.values())
        for each in (example, *demos.examples):
            shown += each.inputs.values()
        return any(map(control.looks_like, shown))

    def _sampling(self, prompt: Prompt) -> Sampling:
        how = self.template.settings
        return Sampling(
            how.max_tokens, stop=self.template.stops, seed=self.seed, constraint=self.template.constraint(prompt)
        )

    def read(self, asked: Asked, answer: Answer, usage: Usage) -> Iterator[Prediction]:
        """What ``answer`` says of an item; ``usage`` is what it cost. Where a calibration is not known yet, nothing;
        when its last input is answered, all that waited for it."""
        logprobs = answer.choice_logprobs
        thought, text = apart(answer.text)
        cut = answer.finish == "length"
        trace = Trace(asked.demos, asked.excluded, asked.dropped, 0, text, thought, cut, usage, logprobs, asked.control)
        spent = Spent(asked.tokens or answer.usage.submitted, answer.written, answer.seconds)
        trace = replace(trace, spent=spent)
        problem = answer.failure or flaw(chain.from_iterable(logprobs or ()))
        if not asked.item:
            self._owed += usage
            row = None if problem else self._row(asked, answer)
            if self._premises:
                yield from self._premises.learn(asked.example, row)
                return
            assert self._calibrated is not None
            yield from self._calibrated.learn(asked.example, row)
        elif problem:
            yield failed(asked.example.id, problem, trace)
        elif logprobs is None:
            yield self._written(asked, text, trace)
        elif self._premises:
            yield from self._premises.take(asked.example, self._row(asked, answer), partial(self._stated, asked, trace))
        elif self._calibrated is None:
            yield self._stated(asked, trace, self._row(asked, answer))
        else:
            made = partial(self._stated, asked, trace)
            yield from self._calibrated.take(asked.example, self._row(asked, answer), made)

    def close(self) -> Iterator[Prediction]:
        """What waited for all items to be answered."""
        if self._calibrated is not None:
            yield from self._calibrated.close()

    def _row(self, asked: Asked, answer: Answer) -> tuple[float, ...]:
        """One number a choice, of its tokens' log-probabilities."""
        words = [choice.word for choice in self.template.choices(asked.example) or ()]
        return length.row(answer.choice_logprobs or (), words, self.normalize)

    def _stated(self, asked: Asked, trace: Trace, row: Sequence[float]) -> Prediction:
        """What the choices' row says, by the kind of answers. It also bears what a calibration cost."""
        trace = replace(trace, usage=trace.usage + self._owed)
        self._owed = Usage()
        if problem := flaw(row):
            return failed(asked.example.id, problem, trace)
        output, stated = self.template.task.kind.decide(self.template.choices(asked.example) or (), row)
        return Prediction(asked.example.id, output, Status.OK, stated, trace)

    def _written(self, asked: Asked, text: str, trace: Trace) -> Prediction:
        name, field = asked.example.id, self.template.settings.answer_field
        said = parse.field(text, field) if field else text
        # JSON that broke off may still mention an answer.
        found = self.template.task.kind.read(said or text, asked.example, self.template.words)
        trace = replace(trace, lost=found.lost)
        if found.output is None or not said:
            return Prediction(name, None, Status.UNPARSED, trace=trace, mentioned=found.mentioned or found.output)
        return Prediction(name, found.output, trace=trace)
