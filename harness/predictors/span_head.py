"""An encoder that finds the answer to a question in a passage."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from harness.kinds import Kind
from harness.models.checkpoint import Model
from harness.predictors.encoded import Encoded
from harness.predictors.networks import blocks
from harness.types import Example, Prediction

LONGEST = 40  # tokens of an answer
STRIDE = 64  # tokens that two windows on a long passage share


class Reader(Encoded):
    """An encoder over question and passage with two scores for each token, where an answer begins and where it ends
    (Devlin et al., 2019); that there is none is said by the first token. A passage that does not fit is read in
    windows, and the best answer of all of them taken."""

    def __init__(self, model: Model, body: Any, kind: Kind) -> None:
        super().__init__(model, body, kind, 2)

    def _batch(self, examples: Sequence[Example]) -> Any:
        asked = ["\n".join(self._others(example)) for example in examples]
        # The question gives way only where it alone would fill the encoder.
        most = self.longest // 2
        cut = self.tokenizer(asked, truncation=True, max_length=most, return_offsets_mapping=True)["offset_mapping"]
        asked = [text[: max((end for _, end in row), default=0)] for text, row in zip(asked, cut, strict=True)]
        return self.read(
            asked,
            [self.kind.passage(example) for example in examples],
            truncation="only_second",
            stride=min(STRIDE, self.longest // 8),
            return_overflowing_tokens=True,
            return_offsets_mapping=True,
        )

    def _others(self, example: Example) -> list[str]:
        """The inputs besides the passage: what is asked."""
        texts = list(example.inputs.values())
        texts.remove(self.kind.passage(example))
        return texts

    def _scores(self, batch: Any) -> tuple[Any, Any]:
        """(windows, tokens) each: of beginnings and of ends; minus infinity where no passage and no first token is."""
        import torch

        scores = self.head(self.dropout(self.hidden(batch))).float()
        allowed = torch.tensor(
            [
                [place == 0 or part == 1 for place, part in enumerate(batch.sequence_ids(row))]
                for row in range(len(scores))
            ]
        ).to(scores.device)
        scores = scores.masked_fill(~allowed[..., None], -torch.inf)
        return scores[..., 0], scores[..., 1]

    def loss(self, examples: Sequence[Example], weight: Any = None) -> Any:
        import torch

        batch = self._batch(examples)
        starts, ends = self._scores(batch)
        targets = [self._place(batch, row, examples[of]) for row, of in enumerate(_windows(batch))]
        first, last = torch.tensor(targets, device=starts.device).T
        entropy = torch.nn.functional.cross_entropy
        return (entropy(starts, first) + entropy(ends, last)) / 2

    def _place(self, batch: Any, row: int, example: Example) -> tuple[int, int]:
        """The tokens of a window in which the first right answer begins and ends; the first where it has none."""
        offsets, parts = batch["offset_mapping"][row].tolist(), batch.sequence_ids(row)
        for start, text in json.loads(example.target)[:1]:
            inside = [i for i, (a, b) in enumerate(offsets) if parts[i] == 1 and a < start + len(text) and b > start]
            whole = inside and offsets[inside[0]][0] <= start and offsets[inside[-1]][1] >= start + len(text)
            if whole:
                return inside[0], inside[-1]
        return 0, 0

    def predict(self, examples: Sequence[Example]) -> Iterator[Prediction]:
        import torch

        self.module.eval()
        for block in blocks(examples):
            batch = self._batch(block)
            with torch.inference_mode():
                starts, ends = (each.cpu() for each in self._scores(batch))
            found: dict[int, list[tuple[float, int, int]]] = {}
            none: dict[int, float] = {}
            for row, of in enumerate(_windows(batch)):
                null = float(starts[row, 0] + ends[row, 0])
                none[of] = min(none.get(of, null), null)
                found.setdefault(of, []).append(_best(starts[row], ends[row], batch["offset_mapping"][row].tolist()))
            for of, example in enumerate(block):
                score, start, end = max(found[of])
                text = self.kind.passage(example)[start:end]
                said = [[start, text]] if text.strip() and score > none[of] else []
                yield Prediction(example.id, json.dumps(said, ensure_ascii=False))


def _windows(batch: Any) -> list[int]:
    """Of each window, the place of its example."""
    found: list[int] = batch["overflow_to_sample_mapping"].tolist()
    return found


def _best(starts: Any, ends: Any, offsets: Sequence[Sequence[int]]) -> tuple[float, int, int]:
    """The score of the likeliest answer in a window, and its characters."""
    import torch

    pairs = starts[:, None] + ends[None, :]
    pairs = pairs.masked_fill(~torch.ones_like(pairs, dtype=torch.bool).triu().tril(LONGEST - 1), -torch.inf)
    pairs[0, :] = -torch.inf
    place = int(pairs.argmax())
    first, last = divmod(place, pairs.shape[1])
    return float(pairs[first, last]), offsets[first][0], offsets[last][1]
