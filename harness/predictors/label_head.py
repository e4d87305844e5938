"""An encoder that answers with one label of a fixed set."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np

from harness.kinds import Kind
from harness.models.checkpoint import Model
from harness.predictors.embedding import stated
from harness.predictors.encoded import Encoded
from harness.predictors.networks import blocks
from harness.types import Example, Prediction


class Classifier(Encoded):
    """An encoder, mean-pooled over the text's tokens, dropout, and a linear head over the labels."""

    def __init__(self, model: Model, body: Any, kind: Kind) -> None:
        super().__init__(model, body, kind, len(kind.outputs))
        self.labels = kind.outputs

    def scores(self, examples: Sequence[Example]) -> Any:
        """(n, labels), whose softmax over the labels is what is stated."""
        return self.pooled(self.read([example.text for example in examples]))

    def loss(self, examples: Sequence[Example], weight: Any = None) -> Any:
        return label_loss(self.scores(examples), self.labels, examples, weight)

    def watch(self, dev: Sequence[Example]) -> Mapping[str, float]:
        return label_watch(np.concatenate(list(logprobs_of(self, dev))), self.labels, dev)

    def predict(self, examples: Sequence[Example]) -> Iterator[Prediction]:
        rows = chain.from_iterable(logprobs_of(self, examples))
        yield from stated(examples, self.labels, rows, self.unread(examples))


def label_loss(scores: Any, labels: Sequence[str], examples: Sequence[Example], weight: Any) -> Any:
    """The cross entropy of ``scores`` (n, labels)."""
    import torch

    place = {label: i for i, label in enumerate(labels)}
    targets = torch.tensor([place[example.target] for example in examples], device=scores.device)
    return torch.nn.functional.cross_entropy(scores.float(), targets, weight=weight)


def label_watch(logprobs: Any, labels: Sequence[str], dev: Sequence[Example]) -> Mapping[str, float]:
    """Loss, accuracy and macro-F1 of ``logprobs`` (n, labels)."""
    from sklearn.metrics import f1_score

    place = {label: i for i, label in enumerate(labels)}
    targets = np.array([place[example.target] for example in dev])
    said = logprobs.argmax(1)
    return {
        "dev_loss": float(-logprobs[np.arange(len(dev)), targets].mean()),
        "dev_accuracy": float((said == targets).mean()),
        "dev_macro_f1": float(f1_score(targets, said, average="macro", zero_division=0)),
    }


def logprobs_of(network: Any, examples: Sequence[Example]) -> Iterator[Any]:
    """(block, labels) arrays of natural log-probabilities, in the order of ``examples``."""
    import torch

    network.module.eval()
    for block in blocks(examples):
        with torch.inference_mode():
            scores = network.scores(block)
        yield scores.double().log_softmax(-1).cpu().numpy()
