"""An encoder that answers with one of an item's own options."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from harness.choice import chosen
from harness.kinds import Kind
from harness.models.checkpoint import Model
from harness.predictors.encoded import Encoded
from harness.predictors.networks import blocks
from harness.types import Example, Prediction, Trace


class Ranker(Encoded):
    """An encoder over pairs of question and option, mean-pooled, dropout, and one score a pair; a softmax over the
    item's options is what is stated. Of a question longer than the encoder takes beside the option, the beginning is
    read."""

    def __init__(self, model: Model, body: Any, kind: Kind) -> None:
        super().__init__(model, body, kind, 1)

    def _scores(self, examples: Sequence[Example]) -> Any:
        """(n, most options), minus infinity where an item has fewer."""
        import torch

        pairs = [(example.text, option) for example in examples for option in example.options]
        texts, options = zip(*pairs, strict=True)
        flat = self.pooled(self.read(texts, options, truncation="only_first"))[:, 0].float()
        rows = flat.split([len(example.options) for example in examples])
        return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=-torch.inf)

    def loss(self, examples: Sequence[Example], weight: Any = None) -> Any:
        import torch

        scores = self._scores(examples)
        targets = torch.tensor([int(example.target) - 1 for example in examples], device=scores.device)
        return torch.nn.functional.cross_entropy(scores, targets)

    def predict(self, examples: Sequence[Example]) -> Iterator[Prediction]:
        import torch

        self.module.eval()
        for block in blocks(examples):
            with torch.inference_mode():
                rows = self._scores(block).double().log_softmax(-1).cpu().tolist()
            for example, row, cut in zip(block, rows, self.unread(block), strict=True):
                places = [str(i) for i in range(1, len(example.options) + 1)]
                yield chosen(example.id, places, row[: len(places)], Trace(unread=cut))
