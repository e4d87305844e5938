"""A causal language model that learns to write the right answer after a prompt."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from harness.models.checkpoint import Model
from harness.predictors.asked import Rows
from harness.predictors.networks import blocks
from harness.prompt.encode import Encoder
from harness.prompt.template import Template
from harness.types import Example, Prediction


class Writer:
    """A causal language model asked with a template, as prompts are asked: the loss is the mean negative log-likelihood
    of the answer's tokens and of what ends it, and of no token of the prompt."""

    head = None

    def __init__(self, model: Model, body: Any, template: Template) -> None:
        import torch

        self.body, self._template = body, template
        self._rows = Rows(body, model.max_length)
        self._encoder = Encoder(model.tokenizer, template, scores=False, ends=True)
        self.module = torch.nn.ModuleList([body])

    def loss(self, examples: Sequence[Example], weight: Any = None) -> Any:
        import torch

        kind, words = self._template.task.kind, self._template.words
        prompts = []
        for example in examples:
            prompt = self._template.render(example)
            shown = self._template.joined(prompt.content, [kind.shown(example, words)])
            prompts.append(replace(prompt, choices=shown))
        answers = self._rows.logprobs(self._encoder.encode(prompts))
        return torch.stack([-answer.mean() for (answer,) in answers]).mean()

    def watch(self, dev: Sequence[Example]) -> Mapping[str, float]:
        """The loss alone: to write all of dev after each epoch would take longer than the epoch."""
        import torch

        self.module.eval()
        with torch.inference_mode():
            losses = [float(self.loss(block)) * len(block) for block in blocks(dev)]
        return {"dev_loss": sum(losses) / len(dev)}

    def predict(self, examples: Sequence[Example]) -> Iterator[Prediction]:
        """Nothing: it is asked as prompts are, by an engine."""
        raise NotImplementedError
