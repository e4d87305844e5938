"""A task with one more split: its items after a change that keeps their right answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from harness.chance import rng
from harness.compare.groups import CHANGED
from harness.kinds import Kind
from harness.results.columns import Examples
from harness.task.definition import Task
from harness.types import Edit, Example

Edits = Sequence[tuple[int, int, str]]
Change = Callable[[str, np.random.Generator], Edits]
"""Edits of a text, (start, end, what stands there then), in order and apart."""


@dataclass(frozen=True, slots=True)
class Perturbed(Task):
    """``task`` with the split ``added``, whose items are ``changed``, each by its ``edits``."""

    added: str = ""
    changed: Sequence[Example] = ()
    edits: Sequence[Sequence[Edit]] = ()

    def examples(self, split: str) -> Examples:
        if split != self.added:
            return Task.examples(self, split)
        return Examples(self.changed, list(self.spec.inputs), self.spec.tags)


def perturbed(task: Task, split: str, name: str, items: Sequence[Example], change: Change, seed: int) -> Perturbed:
    """``task`` with the split ``split~name``: those of ``items`` that ``change`` does something to. Each keeps its id,
    by which demonstrations may be drawn, and its document."""
    made = {item.id: edits for item in items if (edits := _edits(task, item, name, change, seed))}
    changed = [edited(task.kind, item, made[item.id]) for item in items if item.id in made]
    return Perturbed(
        task.name, task.folder, task.spec, task.kind, f"{split}{CHANGED}{name}", changed, list(made.values())
    )


def edited(kind: Kind, item: Example, edits: Sequence[Edit]) -> Example:
    """``item`` after ``edits``, none of which touches what its right answer stands on."""
    target = kind.moved(item, edits)
    assert target is not None
    return replace(item, inputs=applied(item.inputs, edits), target=target)


def _edits(task: Task, item: Example, name: str, change: Change, seed: int) -> list[Edit]:
    """What is done to ``item``; nothing where nothing of it can be changed."""
    return [
        edit
        for field, text in item.inputs.items()
        for edit in (Edit(field, *each) for each in change(text, rng(name, seed, item.id, field)))
        if text[edit.start : edit.end] != edit.text and free(task.kind, item, edit)
    ]


def free(kind: Kind, item: Example, edit: Edit) -> bool:
    """Whether ``edit`` leaves alone what the right answer stands on, and what one input quotes of another: an input
    that stands in another one word for word says which part of it is meant."""
    if kind.moved(item, [edit]) is None:
        return False
    own = item.inputs[edit.input]
    for other, text in item.inputs.items():
        if other == edit.input or not text.strip() or not own.strip():
            continue
        if own in text or any(start < edit.end and edit.start < start + len(text) for start in _places(own, text)):
            return False
    return True


def _places(text: str, part: str) -> Iterator[int]:
    place = text.find(part)
    while place >= 0:
        yield place
        place = text.find(part, place + 1)


def applied(inputs: Mapping[str, str], edits: Sequence[Edit]) -> dict[str, str]:
    """``inputs`` after ``edits``, which are in order and do not overlap.

    >>> applied({"a": "one two"}, [Edit("a", 0, 3, "1"), Edit("a", 4, 7, "2")])
    {'a': '1 2'}
    """
    out = {}
    for name, text in inputs.items():
        parts, place = [], 0
        for edit in edits:
            if edit.input == name:
                parts += [text[place : edit.start], edit.text]
                place = edit.end
        out[name] = "".join([*parts, text[place:]])
    return out
