"""What is probed: a study of one task, whose runs are asked once, and asked anew about something else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from harness.compare import groups
from harness.engines.inference import Workload
from harness.engines.journal import Journal, Tell
from harness.errors import InputError
from harness.results.store import Run
from harness.results.vault import Vault
from harness.study import grid
from harness.study.draft import Planned, Progress
from harness.study.grid import Spec
from harness.study.items import Items
from harness.task.definition import Task
from harness.types import Engine, Example, Predictor

Group = tuple[Run, ...]


@dataclass
class Asked:
    """``spec`` is asked of ``task`` through the journal and the vault below ``root``: what was answered or trained
    before costs nothing."""

    task: Task
    spec: Spec
    engines: Sequence[Engine]
    root: Path
    seed: int = 0
    metric: str | None = None
    progress: Progress = lambda *_: None
    tell: Tell = lambda _: None
    _runs: dict[str, list[Group]] = field(default_factory=dict)

    @property
    def measured(self) -> str:
        """The metric that is looked at."""
        return self.metric or self.task.spec.main_metric

    @property
    def items(self) -> Sequence[Example]:
        """The items as they are."""
        return Items(self.task, self.spec.split, self.spec.limit, self.spec.without_overlap).examples

    @property
    def before(self) -> list[Group]:
        """The runs on the items as they are, those that differ by their seed together."""
        if "before" not in self._runs:
            self._runs["before"] = self.run(self.task)
        return self._runs["before"]

    @property
    def prompts(self) -> Spec:
        """The spec without what is no prompt."""
        return replace(self.spec, baselines=(), params={}, recorded=())

    def check_prompts(self, probe: str) -> None:
        """Raises InputError where there is no prompt, which ``probe`` asks about."""
        if not self.engines:
            raise InputError(f"probe {probe!r}: it asks prompts, and there is none. Leave out --baselines-only.")

    def run(self, task: Task, **changes: Any) -> list[Group]:
        """The runs of the study on ``task``, with ``changes`` of its spec."""
        spec = replace(self.spec, **changes)
        made = [run for run, _ in grid.run(task, spec, self.engines, self.root, self.progress, tell=self.tell)]
        return groups.grouped(made)

    def together(
        self, specs: Sequence[Spec], task: Task | None = None, journal: bool = True
    ) -> tuple[list[list[Run]], Workload]:
        """The prompts of all ``specs``, planned as one trie, and what that took: the runs of each, sealed nowhere. The
        specs ask about the same items. Without the ``journal`` all is asked anew, and nothing kept."""
        task, first, found = task or self.task, specs[0], Workload()

        def announce(_: Engine, workload: Workload) -> None:
            nonlocal found
            found += workload

        with Journal(self.root / "journal.sqlite", self.tell) as kept:
            vault, held = Vault(self.root / "indexes", self.tell), kept if journal else None
            plans = [
                grid.plan(task, replace(spec, baselines=(), params={}, recorded=()), self.engines, held, indexes=vault)
                for spec in specs
            ]
            place = {id(each.predictor): number for number, plan in enumerate(plans) for each in plan}
            whole = [each for plan in plans for each in plan]
            items = Items(task, first.split, first.limit, first.without_overlap)
            runs: list[list[Run]] = [[] for _ in specs]
            for planned, run in grid.answered(task, first, whole, self.engines, items, self.progress, announce):
                runs[place[id(planned.predictor)]].append(run)
        return runs, found

    @contextmanager
    def fitted(self) -> Iterator[list[tuple[Run, Predictor]]]:
        """The first run of each row, and what made it, fitted once more to answer whatever it is asked."""
        runs = [group[0] for group in self.before]
        dev = self.task.examples("dev") if "dev" in self.task.spec.splits else ()
        with Journal(self.root / "journal.sqlite", self.tell) as journal:
            vaults = (Vault(self.root / name, self.tell) for name in ("models", "indexes"))
            planned = grid.plan(self.task, self.spec, self.engines, journal, *vaults)
            made = [next(each for each in planned if _made(each, run)) for run in runs]
            yield [(run, each.predictor.fit(each.train, dev)) for run, each in zip(runs, made, strict=True)]


def _made(planned: Planned, run: Run) -> bool:
    """Whether ``run`` is of what is planned."""
    return all(run.spec.get(name) == value for name, value in planned.row.items())
