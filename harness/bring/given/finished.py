"""A run with the items that it answered, and its prompts as far as they can be made again."""

from __future__ import annotations

import string
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from harness.errors import InputError
from harness.prompt.again import again
from harness.prompt.template import Template
from harness.results import store
from harness.results.store import Run
from harness.task import definition
from harness.task.definition import Task
from harness.types import Example, Prediction, Prompt, Status


@dataclass(frozen=True, slots=True)
class Finished:
    """``items`` are the run's, with their inputs, in the order of its predictions; ``template`` is what it asked with,
    None where there is none, or where it is not what it was."""

    run: Run
    task: Task
    items: Sequence[Example]
    template: Template | None
    pool: dict[str, Example]
    told: tuple[str, ...] = ()

    def answered(self) -> Iterator[tuple[Example, Prediction, Prompt | None]]:
        """Each item with its answer and its prompt."""
        for item, prediction in zip(self.items, self.run.predictions, strict=True):
            yield item, prediction, self._prompt(item, prediction)

    def _prompt(self, item: Example, prediction: Prediction) -> Prompt | None:
        if self.template is None:
            return None
        demos = prediction.trace.demos if prediction.trace else ()
        if any(name not in self.pool for name in demos):
            return None
        return self.template.render(item, [self.pool[name] for name in demos])

    def text(self, item: Example, prediction: Prediction) -> str | None:
        """The answer as a text that is read as that answer again; None where there is none."""
        if prediction.status in (Status.FAILED, Status.SKIPPED):
            return None
        written = prediction.trace.raw if prediction.trace else ""
        output, kind = prediction.output, self.run.kind
        if output is None:
            return written
        forms = [written, *self._shown(item, output), output]
        if item.options:
            forms.append(string.ascii_uppercase[int(output) - 1])
        return next((form for form in forms if form and kind.recorded(form, item).output == output), output)

    def _shown(self, item: Example, output: str) -> list[str]:
        """The answer as a demonstration would show it, where it is one that data may have."""
        kind = self.run.kind
        try:
            return [kind.shown(replace(item, target=output), kind.words(None, self.run.name))]
        except (ValueError, LookupError, TypeError, InputError):
            return []


def finished(name: str, results: Path) -> Finished:
    """The run ``name`` below ``results``, or in the folder ``name``. Raises InputError where it is not there, or where
    its task's items are no longer those that it answered."""
    run = store.load(store.named(name, results))
    task = definition.load(run.task)
    split = str(run.spec["split"])
    known = {example.id: example for example in task.examples(split)}
    missing = next((each.id for each in run.examples if each.id not in known), None)
    items = [] if missing is not None else [known[each.id] for each in run.examples]
    if missing is not None or store.items_hash(items) != run.items_hash:
        what = f"item {missing!r} is gone" if missing is not None else "its items read otherwise"
        raise InputError(f"run {run.name}: task {run.task!r} is no longer what it was: {what}. Run it again.")
    made, told = _template(run, task)
    pool = {e.id: e for e in task.examples("train")} if made and "train" in task.spec.splits else {}
    return Finished(run, task, items, made, pool, told)


def _template(run: Run, task: Task) -> tuple[Template | None, tuple[str, ...]]:
    """The template that the run asked with, if it still is what it was."""
    name = run.spec["template"]
    if name is None:
        return None, ()
    found, why = again(name, dict(run.signature.pairs).get("template", ""), task)
    return found, (f"{why}: prompts are left out",) if why else ()
