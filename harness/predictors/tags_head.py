"""An encoder that marks spans of a text."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from harness.kinds import Kind
from harness.models.checkpoint import Model
from harness.predictors.encoded import Encoded
from harness.predictors.networks import blocks
from harness.types import Example, Prediction, Trace

Span = tuple[int, int, str]


class SpanTagger(Encoded):
    """An encoder with a tag for each token (BIO; Ramshaw and Marcus, 1995), after dropout. A word has the tag of its
    first token; a span that is continued without having begun begins there."""

    def __init__(self, model: Model, body: Any, kind: Kind) -> None:
        self.tags = ["O", *(f"{mark}-{name}" for name in kind.members for mark in "BI")]
        super().__init__(model, body, kind, len(self.tags))

    def unread(self, examples: Sequence[Example]) -> list[int]:
        return self.model.beyond([self.kind.passage(example) for example in examples], self.longest)

    def _batch(self, examples: Sequence[Example]) -> Any:
        return self.read([self.kind.passage(e) for e in examples], return_offsets_mapping=True)

    def _words(self, batch: Any, row: int) -> list[tuple[int, int, int]]:
        """Each word's first token, and the characters from which to which it goes."""
        found: list[tuple[int, int, int]] = []
        last = None
        for token, word in enumerate(batch.word_ids(row)):
            start, end = batch["offset_mapping"][row][token].tolist()
            if word is None or start == end:
                continue
            if word == last:
                found[-1] = (*found[-1][:2], end)
            else:
                found.append((token, start, end))
            last = word
        return found

    def loss(self, examples: Sequence[Example], weight: Any = None) -> Any:
        import torch

        batch = self._batch(examples)
        scores = self.head(self.dropout(self.hidden(batch))).float()
        targets = torch.full(scores.shape[:2], -100, device=scores.device)
        for row, example in enumerate(examples):
            spans = [(start, end, name) for start, end, name in json.loads(example.target)]
            for token, start, end in self._words(batch, row):
                targets[row, token] = self.tags.index(tag_of(start, end, spans))
        return torch.nn.functional.cross_entropy(scores.flatten(0, 1), targets.flatten())

    def predict(self, examples: Sequence[Example]) -> Iterator[Prediction]:
        import torch

        self.module.eval()
        for block in blocks(examples):
            batch = self._batch(block)
            with torch.inference_mode():
                said = self.head(self.hidden(batch)).argmax(-1).cpu().tolist()
            for row, (example, cut) in enumerate(zip(block, self.unread(block), strict=True)):
                words = [(self.tags[said[row][token]], start, end) for token, start, end in self._words(batch, row)]
                spans = _trimmed(joined(words), self.kind.passage(example))
                yield Prediction(example.id, json.dumps(spans, ensure_ascii=False), trace=Trace(unread=cut))


def tag_of(start: int, end: int, spans: Sequence[Span]) -> str:
    """The tag of the word from ``start`` to ``end``: it is in a span that it overlaps, and begins it where no earlier
    word can."""
    for first, last, name in spans:
        if start < last and end > first:
            return f"{'B' if start <= first else 'I'}-{name}"
    return "O"


def joined(words: Sequence[tuple[str, int, int]]) -> list[Span]:
    """The spans that tagged words make."""
    spans: list[Span] = []
    open_ = ""
    for tag, start, end in words:
        mark, _, name = tag.partition("-")
        if mark == "I" and name == open_:
            spans[-1] = (spans[-1][0], end, name)
        elif mark != "O":
            spans.append((start, end, name))
        open_ = name
    return spans


def _trimmed(spans: Sequence[Span], text: str) -> list[Span]:
    """The spans without white space at their ends, which some tokenizers count to a word."""
    made = []
    for start, end, name in spans:
        inner = text[start:end]
        if said := inner.strip():
            first = start + inner.index(said)
            made.append((first, first + len(said), name))
    return made
