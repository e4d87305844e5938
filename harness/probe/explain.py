"""What each demonstration, each field and each word of an item gives an answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from harness.compare.finding import Finding, Flip, Line
from harness.errors import InputError
from harness.probe import variants, weighed
from harness.probe.asked import Asked
from harness.probe.changed import line
from harness.probe.order import several
from harness.probe.perturbed import Perturbed
from harness.prompt import template
from harness.prompt.selectors import Selection
from harness.results import store
from harness.results.store import Run
from harness.results.vault import Vault
from harness.stats import intervals, jackknife
from harness.stats.intervals import Estimate
from harness.stats.resample import Array
from harness.study.grid import Spec
from harness.types import Example

LEVEL = 0.95
LISTED = 3  # items whose words are weighed


@dataclass(frozen=True, slots=True)
class Part:
    """What is left out: a demonstration, or a field of the item."""

    name: str
    spec: Spec
    emptied: str | None = None


class Explain:
    """Leaves out each demonstration in turn, and empties each field of the items. Says what that does to the score and
    to the right answer's log-probability, which demonstrations help or hurt a label, and on which items one alone
    decides. The engine transformers also weighs the words of the item ``example``, or of the first such items."""

    name: ClassVar[str] = "explain"
    source: ClassVar[str] = "Min et al. 2022; Denil et al. 2014"

    def __init__(self, example: str = "") -> None:
        self.example = example

    def look(self, asked: Asked) -> Finding:
        asked.check_prompts(self.name)
        found: list[Line | str | Flip] = []
        for shots in several(asked, self.name, 1):
            for selector in asked.spec.selectors:
                for seed in asked.spec.seeds:
                    found += self._told(asked, shots, selector, seed)
        return Finding(
            self.name,
            self.source,
            tuple(each for each in found if isinstance(each, Line)),
            tuple(each for each in found if isinstance(each, str)),
            tuple(each for each in found if isinstance(each, Flip)),
        )

    def _told(self, asked: Asked, shots: int, selector: str, seed: int) -> Iterator[Line | str | Flip]:
        """What is found of the prompts that show the demonstrations of one draw."""
        spec, task = asked.spec, asked.task
        chosen = spec.select_by(selector, seed, task.kind, Vault(asked.root / "indexes", asked.tell))
        if chosen.per_item:
            raise InputError(
                f"probe 'explain': the selector {chosen.name!r} chooses demonstrations for each item, so none can be "
                "left out of all prompts. Use --selector balanced, random or fixed, with one draw for all items."
            )
        demos = Selection(chosen, task.examples("train"), shots, spec.order, seed).shared()
        whole = replace(spec, shots=(shots,), selectors=("fixed",), seeds=(seed,), order="as-is")
        whole = replace(whole, demos=[demo.id for demo in demos])
        named = {demo.id: f" ({demo.target})" for demo in demos if demo.target in task.kind.outputs}
        parts = [Part(f"demonstration {out.id}{named.get(out.id, '')}", _without(whole, out.id)) for out in demos]
        asked_for = [whole, *(part.spec for part in parts)]
        (before, *after), workload = asked.together(asked_for)
        yield variants.cost(workload, [run for runs in (before, *after) for run in runs])
        for field in task.spec.inputs:
            emptied = _emptied(asked, field)
            (runs,), _ = asked.together(
                [replace(whole, split=emptied.added, limit=None, without_overlap=False)], emptied
            )
            parts.append(Part(f"field {field}", whole, field))
            after.append(runs)
        for place, run in enumerate(before):
            # What it is called by is what was asked for, not how it is asked here.
            title = variants.titled_as(run, chosen.name, spec.order)
            others = [runs[place] for runs in after]
            right = _places(asked, run)
            decided = list(_decided(run, others[: len(demos)], demos, asked.items))
            share = intervals.wilson(len(decided), len(run.examples))
            yield Line(title, "share of answers that one demonstration alone decides", share, len(run.examples))
            yield from self._effects(run, others, parts, right, title, asked)
            yield from (replace(flip, predictor=f"{title}, {flip.predictor}") for flip in decided)
            yield from weighed.told(asked, whole, run, title, self._listed(asked, decided))

    def _listed(self, asked: Asked, decided: Sequence[Flip]) -> Sequence[Example]:
        items = {item.id: item for item in asked.items}
        if not self.example:
            return [items[flip.id] for flip in decided[:LISTED]]
        if self.example not in items:
            raise InputError(f"probe 'explain': example={self.example}: there is no such item among those asked about.")
        return [items[self.example]]

    def _effects(
        self, run: Run, others: Sequence[Run], parts: Sequence[Part], right: Sequence[int], title: str, asked: Asked
    ) -> Iterator[Line | str]:
        given, clusters = logprobs(run, right), store.clusters(run.examples)
        labels = list(asked.task.kind.outputs)
        level = 1 - (1 - LEVEL) / max(1, len(labels) * len(parts))
        for other, part in zip(others, parts, strict=True):
            found = line((run,), (other,), asked.measured)
            yield replace(found, predictor=title, measure=f"without {part.name}: {found.measure}")
            left = logprobs(other, right)
            known = np.isfinite(given) & np.isfinite(left)
            if known.sum() < 2:
                continue
            gap = moved(given, left, known, clusters)
            yield Line(
                title,
                f"without {part.name}: change of the right answer's log-probability",
                gap,
                int(known.sum()),
                float(given[known].mean()),
                float(left[known].mean()),
            )
            if part.emptied is None:
                targets = np.array([example.target for example in run.examples])
                shares = {label: moved(left, given, known & (targets == label), clusters, level) for label in labels}
                yield from _judged(title, part.name, shares)


def _judged(title: str, name: str, shares: Mapping[str, Estimate]) -> Iterator[str]:
    """Whom a demonstration helps or hurts, where that is no noise, whatever the number of labels and of parts."""
    for verb, sign in (("helps", 1), ("hurts", -1)):
        found = [
            f"{label} ({gap.value:+.3f} [{gap.low:+.3f}, {gap.high:+.3f}])"
            for label, gap in shares.items()
            if min(sign * gap.low, sign * gap.high) > 0
        ]
        if found:
            yield f"{title}: {name} {verb} {', '.join(found)}; log-probability of the right answer, adjusted intervals."


def moved(
    before: Array, after: Array, known: Array, clusters: Sequence[object] | None, level: float = LEVEL
) -> Estimate:
    """The mean of ``after`` minus that of ``before`` over the items that are ``known``, with its interval."""
    if known.sum() < 2:
        return Estimate(np.nan, np.nan, np.nan)
    left, right = (np.stack([each[known], np.ones(known.sum())], axis=1) for each in (after, before))
    units = None if clusters is None else [name for name, each in zip(clusters, known, strict=True) if each]
    return jackknife.difference(left, right, _mean, (-np.inf, np.inf), clusters=units, level=level)


def _mean(totals: Array) -> Array:
    found: Array = totals[..., 0] / totals[..., 1]
    return found


def logprobs(run: Run, right: Sequence[int]) -> Array:
    """(n,) the log-probability stated for each item's right answer; NaN where none is."""
    rows = [prediction.label_logprobs for prediction in run.predictions]
    return np.array([np.nan if not row or place < 0 else row[place] for row, place in zip(rows, right, strict=True)])


def _places(asked: Asked, run: Run) -> list[int]:
    """The place of each item's right answer among its choices; -1 where it is none of them."""
    made = template.load(asked.spec.templates[0], asked.task)
    found = []
    for item in asked.items:
        outputs = [choice.output for choice in made.choices(item) or ()]
        found.append(outputs.index(item.target) if item.target in outputs else -1)
    return found


def _without(whole: Spec, name: str) -> Spec:
    rest = [each for each in whole.demos if each != name]
    return replace(whole, shots=(len(rest),), demos=rest)


def _emptied(asked: Asked, field: str) -> Perturbed:
    """The task with the split ``split~no-field``, whose items have nothing in a field."""
    task = asked.task
    changed = [replace(item, inputs={**item.inputs, field: ""}) for item in asked.items]
    return Perturbed(task.name, task.folder, task.spec, task.kind, f"{asked.spec.split}~no-{field}", changed)


def _decided(run: Run, others: Sequence[Run], demos: Sequence[Example], items: Sequence[Example]) -> Iterator[Flip]:
    """The items whose answer changes when one demonstration is left out, and when any other is, does not."""
    for place, item in enumerate(items):
        said = run.predictions[place].output
        without = [other.predictions[place].output for other in others]
        changed = [which for which, output in enumerate(without) if output != said]
        if len(changed) == 1:
            (which,) = changed
            yield Flip(f"without {demos[which].id}", item.id, item.text, item.text, said, without[which], item.target)
