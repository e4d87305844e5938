"""Names, pronouns and groups of people, exchanged for one another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

import numpy as np

from harness.compare import differences, estimate
from harness.compare.finding import Finding, Line
from harness.metrics.classification import Accuracy
from harness.probe import sides
from harness.probe.asked import Asked
from harness.probe.changed import Changed, Pair, Pairs
from harness.probe.perturbed import Edits
from harness.results import store
from harness.results.store import Run
from harness.types import Example, Status

FEWEST = 10  # items with words of one side only, from which the two sides are held against each other


class Swap(Changed):
    """People of one side become such of the other: he and she, given names, kin, titles, Muslims and Christians, old
    and young. Says how many answers change, and what the score is where words of one side stand, less that where words
    of the other do, in the same items. An item whose right answer or options hold such a word is left out."""

    name: ClassVar[str] = "swap"
    source: ClassVar[str] = "Dixon et al. 2018; Ribeiro et al. 2020"

    def change(self, text: str, draw: np.random.Generator, language: str) -> Edits:
        return [each[:3] for each in sides.find(text, language)]

    def look(self, asked: Asked) -> Finding:
        language = asked.task.spec.language
        items = [item for item in asked.items if not _answered_by(item, language)]
        pairs = self.pairs(asked, items)
        found = _sides(pairs, language)
        lines = [turned(pair) for pair in pairs.groups]
        notes = [pairs.note]
        for axis in dict.fromkeys(axis for axis, _ in found.values()):
            places = [i for i, item in enumerate(pairs.made.changed) if found.get(item.id, ("", 0))[0] == axis]
            if len(places) < FEWEST:
                notes.append(
                    f"{axis}: {len(places)} items have words of one side only, too few to hold the sides apart."
                )
                continue
            seconds = [bool(found[pairs.made.changed[place].id][1]) for place in places]
            lines += [against(pair, axis, places, seconds, asked.measured) for pair in pairs.groups]
        return Finding(self.name, self.source, tuple(lines), tuple(notes), tuple(pairs.flips()))


def turned(pair: Pair) -> Line:
    """The share of the items whose answer changes, of those that are answered both times."""
    kind = pair.before[0].kind
    tables = []
    for before, after in zip(pair.before, pair.after, strict=True):
        both = list(zip(before.predictions, after.predictions, strict=True))
        told = [not {one.status, two.status} & {Status.FAILED, Status.SKIPPED} for one, two in both]
        changed = [one.output != two.output for one, two in both]
        tables.append(np.array([(here and other, here) for here, other in zip(told, changed, strict=True)], float))
    share = Accuracy(kind)  # of items, whatever is counted of them
    clusters = store.clusters(pair.before[0].examples)
    found = differences.discordance(pair.after[0], pair.before[0])
    return Line(
        pair.title,
        "answers that change",
        estimate.estimates(share, tables, clusters)[0],
        int(tables[0][:, 1].sum()),
        lost=found.only_b,
        won=found.only_a,
    )


def against(pair: Pair, axis: str, places: Sequence[int], seconds: Sequence[bool], metric: str) -> Line:
    """The score of the items at ``places`` where words of the first side of ``axis`` stand, less that where words of
    the second do. ``seconds`` says which items were of the second side before they were changed."""
    both = list(zip(pair.before, pair.after, strict=True))
    one = [_mixed(before, after, places, seconds) for before, after in both]
    two = [_mixed(after, before, places, seconds) for before, after in both]
    made = differences.family(metric, one[0].kind)
    left, right = ([differences.statistics(run, made) for run in side] for side in (one, two))
    clusters = store.clusters(one[0].examples)
    place = made.names.index(metric)
    first, second = (float(np.mean([made.score(table.sum(0))[place] for table in side])) for side in (left, right))
    found = differences.discordance(one[0], two[0])
    names = sides.names(axis)
    return Line(
        pair.title,
        f"{metric}: {names[0]} less {names[1]}",
        estimate.difference(made, metric, left, right, clusters),
        len(places),
        second,
        first,
        found.only_b,
        found.only_a,
        estimate.p_value(made, metric, left, right, clusters),
    )


def _mixed(run: Run, other: Run, places: Sequence[int], others: Sequence[bool]) -> Run:
    """``run`` at ``places``, and ``other`` at those that ``others`` says."""
    chosen = [(other if swapped else run, place) for place, swapped in zip(places, others, strict=True)]
    return replace(
        run,
        examples=tuple(run.examples[place] for place in places),
        predictions=tuple(each.predictions[place] for each, place in chosen),
    )


def _answered_by(item: Example, language: str) -> bool:
    return any(sides.find(text, language) for text in (item.target, *item.options))


def _sides(pairs: Pairs, language: str) -> Mapping[str, tuple[str, int]]:
    """The one axis and side that an item's exchanged words are of, by its id; none for one that holds words of both
    sides, or of several axes."""
    found = {}
    for item, edits in zip(pairs.made.changed, pairs.made.edits, strict=True):
        done = {(edit.input, edit.start) for edit in edits}
        was = pairs.was[item.id]
        held = {
            (each.axis, each.side)
            for name, text in was.inputs.items()
            for each in sides.find(text, language)
            if (name, each.start) in done
        }
        if len(held) == 1:
            found[item.id] = held.pop()
    return found
