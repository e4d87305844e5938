"""Some of the answers of many prompts: each prompt is asked about some items."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

import numpy as np

from harness.engines.inference import Asked, Inquiry, Sheet
from harness.predictors.prompted import Prompted
from harness.stats.resample import Array
from harness.types import Answer, Example, Prediction, Usage


class _Part:
    """A prompt that is asked about the items ``ids`` only."""

    def __init__(self, prompt: Prompted, ids: Collection[str]) -> None:
        self.prompt, self.ids = prompt, ids
        self.engine, self.journal, self.trie_tokens = prompt.engine, prompt.journal, 0

    def begin(self) -> Sheet:
        return self.prompt.begin()

    def sheet(self, examples: Sequence[Example]) -> Sheet:
        return self.prompt.sheet([example for example in examples if example.id in self.ids])

    def read(self, asked: Asked, answer: Answer, usage: Usage) -> Iterator[Prediction]:
        return self.prompt.read(asked, answer, usage)

    def close(self) -> Iterator[Prediction]:
        return self.prompt.close()


class Cells:
    """What fitted ``prompts`` of one engine say of ``items``, as far as they are asked. ``scores`` (prompts, items) are
    in [0, 1], NaN where not asked yet."""

    def __init__(self, prompts: Sequence[Prompted], items: Sequence[Example]) -> None:
        self.prompts, self.items = prompts, items
        self.scores: Array = np.full((len(prompts), len(items)), np.nan)
        self.predictions: list[dict[int, Prediction]] = [{} for _ in prompts]
        self.computed = self.trie = 0
        self._places = {item.id: place for place, item in enumerate(items)}

    @property
    def asked(self) -> int:
        """Answers so far."""
        return sum(map(len, self.predictions))

    def ask(self, wanted: Mapping[int, Collection[int]]) -> None:
        """Asks prompts about items, both by place, in one go: what they share is computed once."""
        parts = {
            place: _Part(self.prompts[place], {self.items[item].id for item in items})
            for place, items in wanted.items()
            if items
        }
        everyone = sorted({item for items in wanted.values() for item in items})
        if not parts:
            return
        inquiry = Inquiry(list(parts.values()), [self.items[item] for item in everyone])
        self.trie += inquiry.workload.missing
        places = list(parts)
        for part, prediction in inquiry.predictions():
            prompt, item = places[part], self._places[prediction.example_id]
            right = self.prompts[prompt].template.task.kind.right(self.items[item], prediction.output)
            self.predictions[prompt][item], self.scores[prompt, item] = prediction, right
        self.computed += sum(usage.computed for usage in inquiry.costs.usages())
