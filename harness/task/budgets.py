"""Data budgets: nested, stratified samples of a train split, so that a learning curve adds examples and swaps none."""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterable, Sequence
from hashlib import blake2b

from harness.chance import rng
from harness.errors import InputError
from harness.kinds import Kind
from harness.types import Example

FULL, SHOTS = "full", "shots"
FORM = re.compile(r"([1-9]\d*)(/class)?")


def check(size: str) -> str:
    """``size`` if it says how much to train on. Raises InputError naming the forms."""
    if size in (FULL, SHOTS) or FORM.fullmatch(size):
        return size
    raise InputError(
        f"--train-size {size!r}: give a number of examples (100), a number for each label (10/class), {FULL!r}, or "
        f"{SHOTS!r} (the very examples that the prompts show)."
    )


def by_ids(ids: Iterable[str], count: int) -> list[int]:
    """The places of ``count`` of ``ids``, in their order, chosen by the ids alone: a smaller sample lies within a
    larger one, however a file is sorted, and no label is looked at."""
    keys = (blake2b(id_.encode(), key=b"limit", digest_size=16).digest() for id_ in ids)
    return sorted(place for _, place in heapq.nsmallest(count, ((key, i) for i, key in enumerate(keys))))


def sample(kind: Kind, train: Sequence[Example], size: str, seed: int) -> tuple[Example, ...]:
    """``size`` examples of ``train`` drawn by ``seed``: a number in all, in the proportions of the labels with each
    label at least once where there is room (a plain draw where an answer of this ``kind`` is no label); ``N/class``, of
    each label as many; or ``full``.

    Samples of one seed are nested: a larger one holds the smaller. Raises InputError where there are too few.
    """
    if size == FULL:
        return tuple(train)
    found = FORM.fullmatch(check(size))
    assert found is not None
    count, each = int(found[1]), found[2] is not None
    if each and not kind.outputs:
        raise InputError(
            f"--train-size {size}: an item of kind {kind.name} is not of one label, so there is no number for each. "
            "Give a number of examples, such as 100, or full."
        )
    pool = sorted(train, key=lambda example: example.id)
    drawn = [pool[i] for i in rng("train-size", seed).permutation(len(pool))]
    groups: dict[str, list[Example]] = {}
    for example in drawn:
        groups.setdefault(example.target if kind.outputs else "", []).append(example)
    if each:
        short = min(groups, key=lambda label: len(groups[label]))
        if len(groups[short]) < count:
            raise InputError(
                f"--train-size {size}: label {short!r} has {len(groups[short])} training examples. Ask for at most "
                f"{len(groups[short])}/class."
            )
        return tuple(example for label in sorted(groups) for example in groups[label][:count])
    if count > len(pool):
        raise InputError(
            f"--train-size {size}: the train split has {len(pool)} examples. Ask for at most that, or full."
        )
    return tuple(_proportional(groups, count))


def _proportional(groups: dict[str, list[Example]], count: int) -> list[Example]:
    """One of each label first, the commonest first; then always of the label whose share is least served. Every step
    adds one example to those before it, so samples are nested."""
    taken = dict.fromkeys(sorted(groups, key=lambda label: (-len(groups[label]), label)), 0)
    out: list[Example] = []
    while len(out) < count:
        unseen = [label for label, used in taken.items() if not used]
        label = unseen[0] if unseen else min(taken, key=lambda name: (taken[name] + 1) / len(groups[name]))
        out.append(groups[label][taken[label]])
        taken[label] += 1
    return out
