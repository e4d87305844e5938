"""Probes that change the items and keep their right answers: what each predictor loses by it, item by item."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from harness.compare import differences, estimate, groups
from harness.compare.finding import BEYOND, Finding, Flip, Line
from harness.errors import InputError
from harness.metrics import Metric
from harness.probe.asked import Asked, Group
from harness.probe.perturbed import Edits, Perturbed, perturbed
from harness.results import store
from harness.results.store import Run
from harness.types import Example


class Changed:
    """Asks a study about its items as they are and after a change, and pairs the two. A subclass says what ``change``
    does; its docstring's first sentence is what lists say of it."""

    name: ClassVar[str]
    source: ClassVar[str]

    def change(self, text: str, draw: np.random.Generator, language: str) -> Edits:
        """Edits of a text of a ``language`` such as en or zh, in order and apart; none where nothing fits."""
        raise NotImplementedError

    def look(self, asked: Asked) -> Finding:
        pairs = self.pairs(asked, asked.items)
        lines = [line(each.before, each.after, asked.measured) for each in pairs.groups]
        lines += beyond(pairs.groups, asked.measured)
        return Finding(self.name, self.source, tuple(lines), (pairs.note,), tuple(pairs.flips()))

    def pairs(self, asked: Asked, items: Sequence[Example]) -> Pairs:
        """Those of ``items`` that can be changed, asked as they are and changed. Raises InputError where none can."""
        task = asked.task

        def change(text: str, draw: np.random.Generator) -> Edits:
            return self.change(text, draw, task.spec.language)

        made = perturbed(task, asked.spec.split, self.name, items, change, asked.seed)
        if not made.changed:
            raise InputError(
                f"probe {self.name!r}: nothing in the {len(items):,} items of {task.name!r} can be changed so "
                f"(language {task.spec.language!r}). Leave it out."
            )
        ids = [example.id for example in made.changed]
        after = asked.run(made, split=made.added, limit=None, without_overlap=False)
        before = [tuple(_only(run, ids) for run in group) for group in asked.before]
        made_pairs = tuple(Pair(one, two) for one, two in zip(before, after, strict=True))
        return Pairs(made, made_pairs, {item.id: item for item in items}, len(asked.items))


@dataclass(frozen=True, slots=True)
class Pair:
    """A predictor's runs ``before`` the change and ``after`` it, on the same items in the same order."""

    before: Group
    after: Group

    @property
    def title(self) -> str:
        return groups.title(self.before)


@dataclass(frozen=True, slots=True)
class Pairs:
    """What came of asking twice: ``made`` holds the changed items, ``was`` the items as they were by id, and ``asked``
    counts all that there are."""

    made: Perturbed
    groups: Sequence[Pair]
    was: Mapping[str, Example]
    asked: int

    @property
    def note(self) -> str:
        places = sum(map(len, self.made.edits))
        return f"{len(self.made.changed):,} of {self.asked:,} items changed, in {places:,} places."

    def flips(self) -> Iterator[Flip]:
        """The items that the first run of a predictor has right in one form only."""
        for pair in self.groups:
            before, after = pair.before[0], pair.after[0]
            right, left = differences.hits(before), differences.hits(after)
            for place, example in enumerate(self.made.changed):
                if left[place] != right[place]:
                    old, new = before.predictions[place], after.predictions[place]
                    texts = self.was[example.id].text, example.text
                    yield Flip(pair.title, example.id, *texts, old.output, new.output, self.was[example.id].target)


def line(before: Group, after: Group, metric: str) -> Line:
    """What a predictor loses: its score on the changed items minus that on the same items as they were."""
    made = differences.family(metric, before[0].kind)
    left, right = ([differences.statistics(run, made) for run in side] for side in (after, before))
    clusters = store.clusters(before[0].examples)
    found = differences.discordance(after[0], before[0])
    place = made.names.index(metric)
    was, now = (float(np.mean([made.score(table.sum(0))[place] for table in side])) for side in (right, left))
    return Line(
        groups.title(before),
        f"change of {metric}",
        estimate.difference(made, metric, left, right, clusters),
        len(before[0].examples),
        was,
        now,
        found.only_b,
        found.only_a,
        estimate.p_value(made, metric, left, right, clusters),
    )


def beyond(pairs: Sequence[Pair], metric: str) -> Iterator[Line]:
    """By how much more each predictor's score changes than that of the baseline that is best on these items as they
    were, paired item by item. Nothing without one."""
    baselines = [pair for pair in pairs if groups.trained(pair.before[0])]
    if not baselines:
        return
    made = differences.family(metric, pairs[0].before[0].kind)
    place, sign = made.names.index(metric), -1 if made.losses else 1

    def score(pair: Pair) -> float:
        tables = [differences.statistics(run, made) for run in pair.before]
        return sign * float(np.mean([made.score(table.sum(0))[place] for table in tables]))

    best = max(baselines, key=score)
    clusters = store.clusters(pairs[0].before[0].examples)
    for pair in pairs:
        if pair is best:
            continue
        gap = estimate.change(made, metric, _tables(pair, made), _tables(best, made), clusters)
        yield Line(pair.title, f"{BEYOND} {best.title}", gap, len(pair.before[0].examples))


def _tables(pair: Pair, metric: Metric) -> list[estimate.Change]:
    """Each run's statistics after the change, and before it."""
    runs = zip(pair.after, pair.before, strict=True)
    return [(differences.statistics(after, metric), differences.statistics(before, metric)) for after, before in runs]


def _only(run: Run, ids: Sequence[str]) -> Run:
    """``run`` on the items of ``ids``, in their order."""
    places = {example.id: place for place, example in enumerate(run.examples)}
    chosen = [places[name] for name in ids]
    examples = tuple(run.examples[place] for place in chosen)
    return replace(run, examples=examples, predictions=tuple(run.predictions[place] for place in chosen))
