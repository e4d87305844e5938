"""A causal language model that learns to find the right answer of a prompt likeliest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from harness.models.checkpoint import Model
from harness.predictors.asked import Rows
from harness.predictors.label_head import label_watch, logprobs_of
from harness.predictors.networks import blocks
from harness.prompt.encode import Encoder
from harness.prompt.template import Template
from harness.types import Example, Prediction


class Chooser:
    """A causal language model asked with a template: an answer's score is the log-likelihood of its word, the very
    score that prompts are judged by. The loss is the cross entropy over answers that shut each other out."""

    head = None

    def __init__(self, model: Model, body: Any, template: Template) -> None:
        import torch

        self.body, self._template = body, template
        self._rows, self._encoder = Rows(body, model.max_length), Encoder(model.tokenizer, template)
        self.module = torch.nn.ModuleList([body])

    def scores(self, examples: Sequence[Example]) -> Any:
        """(n, most choices) log-likelihoods; minus infinity where an item has fewer."""
        import torch

        encoded = self._encoder.encode([self._template.render(example) for example in examples])
        rows = [torch.stack([each.sum() for each in answers]) for answers in self._rows.logprobs(encoded)]
        return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=-torch.inf)

    def loss(self, examples: Sequence[Example], weight: Any = None) -> Any:
        import torch

        losses, weights = [], []
        for example, row in zip(examples, self.scores(examples), strict=True):
            kind, choices = self._template.task.kind, self._template.choices(example) or ()
            for places, right in zip(kind.contests(choices), kind.winners(choices, example.target), strict=True):
                wanted = torch.tensor(right, device=row.device)
                losses.append(torch.nn.functional.cross_entropy(row[list(places)].float(), wanted))
                weights.append(weight[right] if weight is not None else torch.ones((), device=row.device))
        whole = torch.stack(weights)
        return (torch.stack(losses) * whole).sum() / (whole.sum() if weight is not None else len(examples))

    def watch(self, dev: Sequence[Example]) -> Mapping[str, float]:
        import torch

        labels = self._template.task.kind.outputs
        if labels:
            return label_watch(np.concatenate(list(logprobs_of(self, dev))), labels, dev)
        self.module.eval()
        kind, right, losses = self._template.task.kind, [], []
        for block in blocks(dev):
            with torch.inference_mode():
                losses.append(float(self.loss(block)) * len(block))
                rows = self.scores(block).cpu().tolist()
            for example, row in zip(block, rows, strict=True):
                choices = self._template.choices(example) or ()
                right.append(kind.right(example, kind.decide(choices, row[: len(choices)])[0]))
        return {"dev_loss": sum(losses) / len(dev), "dev_score": sum(right) / len(right)}

    def predict(self, examples: Sequence[Example]) -> Iterator[Prediction]:
        """Nothing: it is asked as prompts are, by an engine."""
        raise NotImplementedError
