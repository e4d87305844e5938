"""The items of a study: a nested sample of a split, and those whose text the train split holds too."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from functools import cached_property

from harness.errors import InputError
from harness.prompt import leak
from harness.results.columns import Examples
from harness.task import budgets
from harness.task.definition import Task
from harness.types import Example

# Characters in both splits up to which near-duplicates are counted without being asked: some 20 seconds. Beyond that,
# only equal texts are.
BOUND = 10_000_000


def sample(split: Examples, limit: int | None) -> Examples:
    """``limit`` items of ``split``, in its order, chosen by their ids alone: a smaller sample lies within a larger one,
    however the file is sorted. All of them where there are no more, or ``limit`` is None."""
    return split if limit is None or limit >= len(split) else split.take(budgets.by_ids(split.ids, limit))


class Items:
    """The items that a study asks about: ``examples``, without the ``left_out`` whose text is, or nearly is, that of a
    train item where ``without_overlap`` says so, and of those whose ids are in ``only``, where it is given. Raises
    InputError where none are left."""

    def __init__(
        self,
        task: Task,
        split: str,
        limit: int | None = None,
        without_overlap: bool = False,
        only: Container[str] | None = None,
    ) -> None:
        self._task, self._without = task, without_overlap
        asked = sample(task.examples(split), limit)
        if only is not None:
            asked = asked.take([place for place, name in enumerate(asked.ids) if name in only])
            if not asked:
                raise InputError(f"--partial: no item of {task.name!r} split {split!r} is answered by all --answers.")
        met = leak.shared(asked, task.examples("train")) if without_overlap else frozenset[int]()
        if len(met) == len(asked):
            raise InputError(
                f"--without-overlap: every one of the {len(asked):,} items of {task.name!r} split {split!r} is, "
                "or nearly is, a train item: nothing is left. Ask about another --split."
            )
        self.left_out = len(met)
        self.examples = asked.take([i for i in range(len(asked)) if i not in met]) if met else asked

    def counts(self, trained: bool) -> dict[str, int]:
        """What a run's counts say of the overlap: that of what is ``trained`` on, and what was left out."""
        if self._without:
            return {"overlap_left_out": self.left_out}
        return dict(self._overlap) if trained else {}

    @cached_property
    def _overlap(self) -> Mapping[str, int]:
        return overlap(self.examples, self._task.examples("train"))


def overlap(items: Sequence[Example], train: Sequence[Example]) -> dict[str, int]:
    """How many of ``items`` are near-duplicates of train items (``overlap``), or, where there is too much to look
    through, how many have the text of one (``overlap_repeated``)."""
    size = 0
    for example in (each for split in (items, train) for each in split):
        size += len(example.text)
        if size > BOUND:
            return {"overlap_repeated": len(leak.repeated(items, train))}
    return {"overlap": len(leak.shared(items, train))}
