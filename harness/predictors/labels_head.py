"""An encoder that answers with any number of labels of a fixed set."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from harness.kinds import Kind
from harness.models.checkpoint import Model
from harness.predictors.encoded import Encoded
from harness.predictors.networks import blocks
from harness.types import Example, Prediction, Trace


class Tagger(Encoded):
    """An encoder, mean-pooled over the text's tokens, dropout, and a sigmoid for each label: one is said where it is
    likelier than not."""

    def __init__(self, model: Model, body: Any, kind: Kind) -> None:
        super().__init__(model, body, kind, len(kind.members))

    def _scores(self, examples: Sequence[Example]) -> Any:
        return self.pooled(self.read([example.text for example in examples])).float()

    def loss(self, examples: Sequence[Example], weight: Any = None) -> Any:
        import torch

        held = [set(self.kind.classes(example.target)) for example in examples]
        targets = [[float(label in each) for label in self.kind.members] for each in held]
        scores = self._scores(examples)
        # Summed over labels, so that the loss is of the size of one over labels that shut each other out.
        each = torch.nn.functional.binary_cross_entropy_with_logits(
            scores, torch.tensor(targets, device=scores.device), reduction="none"
        )
        return each.sum(1).mean()

    def predict(self, examples: Sequence[Example]) -> Iterator[Prediction]:
        import torch

        self.module.eval()
        for block in blocks(examples):
            with torch.inference_mode():
                rows = self._scores(block).cpu().tolist()
            for example, row, cut in zip(block, rows, self.unread(block), strict=True):
                said = sorted(label for label, score in zip(self.kind.members, row, strict=True) if score > 0)
                yield Prediction(example.id, json.dumps(said, ensure_ascii=False), trace=Trace(unread=cut))
