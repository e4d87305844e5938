"""What is asked again, and answered otherwise."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import ClassVar

import numpy as np

from harness import engines
from harness.chance import rng
from harness.compare import differences, estimate
from harness.compare.finding import Finding, Flip, Line
from harness.engines.journal import Journal
from harness.errors import InputError
from harness.predictors.prompted import Prompted
from harness.probe import variants
from harness.probe.asked import Asked
from harness.results import store
from harness.results.vault import Vault
from harness.stats import intervals
from harness.stats.resample import Array
from harness.study import grid
from harness.study.items import Items
from harness.types import Engine, Example, Prediction

DRIFT = 1e-3  # of a log-probability, that counts
Said = dict[str, Prediction]
"""Predictions by their item."""


class Repeat:
    """A sample of ``items`` is asked again, past what is kept: all at once, and in another order ``batch`` at a time;
    and by another ``engine`` or in another ``dtype``, where one is named. Counts the answers that differ and how far
    log-probabilities move."""

    name: ClassVar[str] = "repeat"
    source: ClassVar[str] = "Yuan et al. 2025"

    def __init__(self, items: int = 100, batch: int = 7, engine: str = "", dtype: str = "") -> None:
        if items < 1 or batch < 1:
            raise InputError(f"probe 'repeat': items={items}, batch={batch}: give 1 or more.")
        self.items, self.batch, self.engine, self.dtype = items, batch, engine, dtype

    def look(self, asked: Asked) -> Finding:
        spec = asked.spec
        asked.check_prompts(self.name)
        few = min(self.items, spec.limit or self.items)
        items = Items(asked.task, spec.split, few, spec.without_overlap).examples
        order = [items[place] for place in rng("repeat", asked.seed).permutation(len(items))]
        parts = [order[start : start + self.batch] for start in range(0, len(order), self.batch)]
        with Journal(asked.root / "journal.sqlite", asked.tell) as journal:
            kept = list(self._said(asked, asked.engines, journal, [items]))
        manners = {
            "again, all at once": self._said(asked, asked.engines, None, [items]),
            f"again, {self.batch} at a time in another order": self._said(asked, asked.engines, None, parts),
        }
        if self.engine or self.dtype:
            manners[f"by {' '.join(filter(None, (self.engine, self.dtype)))}"] = self._said(
                asked, self._others(asked), None, [items]
            )
        lines: list[Line] = []
        flips: list[Flip] = []
        notes: list[str] = []
        for manner, answers in manners.items():
            for (title, before), (_, after) in zip(kept, answers, strict=True):
                lines += _lines(asked, f"{title}", manner, items, before, after)
                flips += _flips(f"{title}, {manner}", items, before, after)
                moved = np.concatenate([np.array([]), *drift(before, after)])
                if len(moved):
                    notes.append(
                        f"{title}, {manner}: log-probabilities move by {np.median(moved):.1e} in the median, "
                        f"{moved.max():.1e} at most."
                    )
        return Finding(self.name, self.source, tuple(lines), tuple(notes), tuple(flips))

    def _others(self, asked: Asked) -> list[Engine]:
        """The engines of the same models, as named."""
        how = {"dtype": self.dtype} if self.dtype else {}
        name = self.engine or "transformers"
        return [engines.create(name, each.identity["model"], asked.root / "models", **how) for each in asked.engines]

    def _said(
        self, asked: Asked, by: Sequence[Engine], journal: Journal | None, parts: Sequence[Sequence[Example]]
    ) -> Iterator[tuple[str, Said]]:
        """What each prompt says, asked about one part of the items after the other."""
        vault = Vault(asked.root / "indexes", asked.tell)
        for planned in grid.plan(asked.task, asked.prompts, by, journal, indexes=vault):
            prompt = planned.predictor.fit(planned.train)
            if isinstance(prompt, Prompted):
                said = chain.from_iterable(prompt.predict(part) for part in parts)
                yield variants.titled(prompt), {each.example_id: each for each in said}


def drift(before: Said, after: Said) -> list[Array]:
    """For each item of which both state log-probabilities, how far those have moved that both find possible."""
    found = []
    for name, said in before.items():
        if said.label_logprobs and (other := after[name].label_logprobs):
            gaps = np.array(said.label_logprobs) - np.array(other)
            found.append(np.abs(gaps[np.isfinite(gaps)]))
    return found


def _lines(
    asked: Asked, title: str, manner: str, items: Sequence[Example], before: Said, after: Said
) -> Iterator[Line]:
    n, made = len(items), differences.family(asked.measured, asked.task.kind)
    old, new = ([said[item.id] for item in items] for said in (before, after))
    flipped = sum(one.output != two.output for one, two in zip(old, new, strict=True))
    yield Line(title, f"{manner}: share of answers that differ", intervals.wilson(flipped, n), n)
    if moved := drift(before, after):
        share = intervals.wilson(sum(bool((gaps > DRIFT).any()) for gaps in moved), len(moved))
        yield Line(title, f"{manner}: share whose log-probabilities move by more than {DRIFT:g}", share, len(moved))
    left, right = (made.statistics(items, said) for said in (new, old))
    place, clusters = made.names.index(asked.measured), store.clusters(items)
    was, now = (float(made.score(table.sum(0))[..., place]) for table in (right, left))
    gap = estimate.difference(made, asked.measured, [left], [right], clusters)
    p = estimate.p_value(made, asked.measured, [left], [right], clusters)
    yield Line(title, f"{manner}: change of {asked.measured}", gap, n, was, now, p=p)


def _flips(title: str, items: Sequence[Example], before: Said, after: Said) -> Iterator[Flip]:
    for item in items:
        old, new = before[item.id].output, after[item.id].output
        if old != new:
            yield Flip(title, item.id, item.text, item.text, old, new, item.target)
