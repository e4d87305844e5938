"""What each word of an item gives the answer, by gradient x input."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Protocol, runtime_checkable

from harness.predictors.prompted import Prompted
from harness.probe.asked import Asked
from harness.probe.words import pieces
from harness.prompt.encode import Encoder
from harness.results.store import Run
from harness.study import grid
from harness.study.grid import Spec
from harness.types import Example, Tokens

SHOWN = 5  # words of an item


@runtime_checkable
class Sloped(Protocol):
    """An engine that can tell how an answer hangs on each token of its prompt."""

    def slopes(self, prompt: Tokens, answer: Tokens) -> list[float]: ...


def told(asked: Asked, spec: Spec, run: Run, title: str, items: Sequence[Example]) -> Iterator[str]:
    """For each of ``items`` the words that weigh most for the answer of ``run``, one of the prompts of ``spec``."""
    spec = replace(spec, baselines=(), params={}, recorded=())
    answers = {prediction.example_id: prediction.output for prediction in run.predictions}
    for planned in grid.plan(asked.task, spec, asked.engines) if items else ():
        prompt = planned.predictor.fit(planned.train)
        if not isinstance(prompt, Prompted) or not isinstance(prompt.engine, Sloped) or prompt.mode != "score":
            continue
        if (prompt.template.name, prompt.engine.identity["model"]) != (run.spec["template"], run.spec["model"]):
            continue
        for item in items:
            weights = words(prompt, prompt.engine, item, answers[item.id])
            if weights:
                listed = ", ".join(f"{word} {weight:+.2g}" for word, weight in weights[:SHOWN])
                yield f"{title}: {item.id}, answered {answers[item.id]}: {listed} (gradient x input, nats)."


def words(prompt: Prompted, engine: Sloped, item: Example, answer: str | None) -> list[tuple[str, float]]:
    """The words of an item with what each gives the log-probability of ``answer``, the heaviest first. None where the
    prompt's tokens cannot be laid over its text."""
    rendered = prompt.template.render(item, prompt.demos([item])[0].examples)
    outputs = [choice.output for choice in prompt.template.choices(item) or ()]
    encoder = Encoder(prompt.engine.tokenizer, prompt.template)
    (encoded,) = encoder.encode([rendered])
    text, rust = encoder.text(rendered.content), getattr(prompt.engine.tokenizer, "backend_tokenizer", None)
    if rust is None or encoded.choices is None or answer not in outputs:
        return []
    whole = rust.encode(text, add_special_tokens=False)
    extra = len(encoded.prompt) - len(whole.ids)
    if extra not in (0, 1) or list(encoded.prompt[extra:]) != whole.ids:  # a token may reach into the answer
        return []
    slopes = engine.slopes(encoded.prompt, encoded.choices[outputs.index(answer)])[extra:]
    found = []
    for value in item.inputs.values():
        start = text.rfind(value) if value else -1
        for word in pieces(value) if start >= 0 else ():
            first, last = start + word.start(), start + word.end()
            weight = sum(
                slope for slope, (begin, end) in zip(slopes, whole.offsets, strict=True) if begin < last and end > first
            )
            found.append((word[0], weight))
    return sorted(found, key=lambda each: -abs(each[1]))
