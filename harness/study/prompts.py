"""The prompts of a sealed run, made again: by its template, with the demonstrations that it showed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from harness.errors import HarnessError, InputError
from harness.models.checkpoint import Model
from harness.prompt.again import again
from harness.prompt.encode import Encoder
from harness.prompt.template import Template
from harness.results.store import Run
from harness.study.show import sent
from harness.study.texts import Texts
from harness.types import Example, Prediction, Prompt, Status

BATCH = 1024
PROBED = 32  # prompts that are encoded and read back, to see whether that changes any
MOST = 50_000  # sequences of tokens that are read back for it, where it does


@dataclass(frozen=True, slots=True)
class Prompts:
    """A run's prompts. With an ``encoder`` they are as the model got them, special tokens and chat template included;
    else they are what the template makes, a chat's messages each below its role. ``decoded`` says that each has to be
    read back from its tokens: the tokenizer changes texts, or a choice takes the last of them."""

    run: Run
    template: Template
    known: Texts
    encoder: Encoder | None = None
    decoded: bool = False

    @property
    def exact(self) -> bool:
        """Whether they are as the model got them."""
        return self.encoder is not None

    def texts(self) -> Iterator[str]:
        """One an item, in the run's order; empty where the item was not asked."""
        asked = zip(self.known.items or (), self.run.predictions, strict=True)
        while batch := list(islice(asked, BATCH)):
            made = [self._prompt(*each) for each in batch]
            written = iter(self._written([prompt for prompt in made if prompt]))
            yield from (next(written) if prompt else "" for prompt in made)

    def _prompt(self, item: Example, prediction: Prediction) -> Prompt | None:
        if prediction.status is Status.SKIPPED:
            return None
        demos = prediction.trace.demos if prediction.trace else ()
        return self.template.render(item, [self.known.demos[name] for name in demos])

    def _written(self, asked: Sequence[Prompt]) -> list[str]:
        if self.encoder is None:
            return [sent(prompt.content) for prompt in asked]
        if self.decoded:
            return _read_back(self.encoder, asked)
        return [self.encoder.sent(prompt) for prompt in asked]

    def probe(self) -> Sequence[Prompt]:
        """Some of the prompts, from all over the items."""
        assert self.known.items is not None
        n = len(self.known.items)
        places = sorted(set(np.linspace(0, n - 1, min(n, PROBED)).astype(int).tolist()))
        made = (self._prompt(self.known.items[place], self.run.predictions[place]) for place in places)
        return [prompt for prompt in made if prompt]


def prompts(run: Run, known: Texts, home: Path) -> tuple[Prompts | None, str]:
    """The prompts of ``run``, whose items and demonstrations are ``known``, and what is to be told of them: why there
    are none, or why they are not as the model got them. ``home`` is where converted models are kept. No weights are
    loaded, and no host is asked."""
    if known.task is None or known.items is None:
        return None, ""
    signed = dict(run.signature.pairs)
    template, why = again(str(run.spec["template"]), signed.get("template", ""), known.task)
    if template is None:
        return None, f"prompts are left out: {why}."
    if run.spec["shots"] and known.train is None:
        return None, "prompts are left out: their demonstrations are not known."
    made = Prompts(run, template, known)
    try:
        encoder = Encoder(_model(signed, home).tokenizer, template, signed.get("mode") == "score")
        asked = made.probe()
        if _read_back(encoder, asked) == [encoder.sent(prompt) for prompt in asked]:
            return Prompts(run, template, known, encoder), ""
        sequences = len(run.examples) * (1 + max((len(prompt.choices or ()) for prompt in asked), default=0))
        if sequences <= MOST:
            return Prompts(run, template, known, encoder, decoded=True), ""
        why = f"reading them back from their tokens would take {sequences:,} sequences."
    except HarnessError as error:
        why = str(error)
    return made, f"prompts are as the template makes them, without what the model's tokenizer adds: {why}"


def _model(signed: dict[str, str], home: Path) -> Model:
    """The model of a run, if it lies on this machine as it was. Raises InputError where it does not."""
    engine = signed.get("engine", "").partition("-")[0]
    if engine == "null":
        return Model(signed["tokenizer"], home=home, local=True)
    if engine == "openai":
        raise InputError("a server made tokens of them.")
    found = Model(signed["model"], home=home, local=True)
    if found.fingerprint != signed.get("weights"):
        raise InputError(f"the model {found.name!r} is not what it was.")
    return found


def _read_back(encoder: Encoder, asked: Sequence[Prompt]) -> list[str]:
    """The prompts from their tokens, special ones visible."""
    return [
        encoder.tokenizer.decode(list(encoded.prompt), skip_special_tokens=False) for encoded in encoder.encode(asked)
    ]
