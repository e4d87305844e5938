"""`harness tune`: the best of a grid by successive halving on one split, reported once on another."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.compare import differences, estimate, groups, race
from harness.compare.differences import Comparison
from harness.compare.race import Against, Round, Standing, Tuned
from harness.engines.journal import Tell
from harness.errors import InputError
from harness.metrics import Array
from harness.results import store
from harness.results.store import Run
from harness.stats import multiple
from harness.study import grid
from harness.study.draft import Planned, Progress, row_of
from harness.study.grid import Spec
from harness.study.items import Items
from harness.task.definition import Task
from harness.types import Engine

FIRST = 20  # items of the first round
Group = tuple[Run, ...]


@dataclass(frozen=True, slots=True)
class Setting:
    """One way to ask: a point of the grid, whatever the seed."""

    template: str
    shots: int
    selector: str
    calibrate: str
    model: str

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Setting:
        """That of a run's, or a planned prompt's, row."""
        calibrated = str(row["calibration"] or "none").partition(" ")[0]
        return cls(row["template"], row["shots"], row["selector"] or "auto", calibrated, row["model"])

    @property
    def words(self) -> dict[str, Any]:
        """By the names of the options that ask so."""
        said: dict[str, Any] = {"template": self.template, "shots": self.shots}
        if self.shots:
            said["selector"] = self.selector
        return {**said, "calibrate": self.calibrate, "model": self.model}

    def within(self, spec: Spec) -> Spec:
        """``spec`` with this setting alone."""
        return replace(
            spec,
            templates=(self.template,),
            shots=(self.shots,),
            selectors=(self.selector,),
            calibrations=(self.calibrate,),
            baselines=(),
            params={},
        )


class Tuning:
    """Chooses among the prompts of ``spec`` on the split ``on`` of ``task``, and reports on ``spec.split``.

    The first round asks about ``first`` items, each later one about twice as many, nested, up to all of the split
    (successive halving's schedule; Jamieson and Talwalkar, 2016). A candidate is dropped only where it is surely worse
    than the leader, paired item by item (as in the races of Maron and Moore, 1994); the level is that of the whole:
    the best of all is dropped with a probability of 5 % at most. The winner leads after the last round."""

    def __init__(
        self,
        task: Task,
        spec: Spec,
        engines: Sequence[Engine],
        root: Path,
        on: str = "dev",
        first: int = FIRST,
        metric: str | None = None,
        progress: Progress = lambda *_: None,
        tell: Tell = lambda _: None,
    ) -> None:
        grid.check_task(task, metric)
        if on not in task.spec.splits:
            raise InputError(
                f"task {task.name!r} has no split {on!r} to choose on, and what is chosen by its test score has none "
                "left to report. Move some of its train items to a file of their own, and name it in task.yaml: "
                "splits: {dev: dev.jsonl}. Or name another split with --on."
            )
        if on in ("train", spec.split):
            why = "demonstrations and baselines are made of it" if on == "train" else "the report is on it"
            raise InputError(f"--on {on}: nothing can be chosen there, since {why}. Choose on dev.")
        self.task, self.spec, self.engines, self.root = task, spec, engines, root
        self.on, self.first, self.metric = on, first, metric or task.spec.main_metric
        self.progress, self.tell = progress, tell
        self.made = differences.family(self.metric, task.kind)

    def run(self, incumbent: Setting) -> Tuned:
        """The choice, and what it is worth beside the ``incumbent`` and the baseline that is best where it was
        made."""
        full, sizes = self._full(), self._sizes()
        rounds: list[Round] = []
        asked: dict[Setting, int] = {}
        found = self._asked(sizes[0])
        seeds = {setting: len(group) for setting, group in found.items()}
        alpha = race.each(len(found), len(sizes))
        for size in sizes:
            if rounds:
                found = self._asked(size, set(found))
            asked |= {setting: size * seeds[setting] for setting in found}
            rounds.append(self._look(size, found, alpha))
            dropped = {each.title for each in rounds[-1].standings if each.dropped}
            found = {setting: group for setting, group in found.items() if groups.describe(group) not in dropped}
        tables = [self._tables(group) for group in found.values()]
        place = race.leader(self.made, self.metric, tables)
        winner, runs = list(found.items())[place]
        comparison, against = self._report(winner, incumbent)
        return Tuned(
            self.task.name,
            self.metric,
            self.on,
            tuple(rounds),
            groups.describe(runs),
            winner.words,
            race.value(self.made, self.metric, tables[place]),
            race.optimism(self.made, self.metric, tables, store.clusters(runs[0].examples)),
            len(seeds),
            sum(asked.values()),
            sum(seeds.values()) * sizes[-1],
            sum(each.computed for each in rounds),
            full,
            comparison,
            against,
            winner == incumbent,
        )

    def _sizes(self) -> list[int]:
        """Of the rounds: halves of all items, as long as they are no fewer than the first."""
        sizes = [len(Items(self.task, self.on, None, self.spec.without_overlap).examples)]
        while sizes[0] > self.first and -(-sizes[0] // 2) >= self.first:
            sizes.insert(0, -(-sizes[0] // 2))
        return sizes

    def _prompts(self, size: int | None) -> Spec:
        return replace(self.spec, split=self.on, limit=size, baselines=(), params={})

    def _full(self) -> float:
        """Tokens that are left to compute for the whole grid."""
        loads = grid.workloads(self.task, self._prompts(None), self.engines, self.root)
        return sum(load.missing for _, load in loads)

    def _asked(self, size: int, left: Collection[Setting] | None = None) -> dict[Setting, Group]:
        """The runs of the settings that are ``left`` (None: of all) on ``size`` items, in the grid's order."""

        def only(each: Planned) -> bool:
            return left is None or Setting.of(row_of(each.predictor)) in left

        return self._runs(self._prompts(size), self.engines, only)

    def _runs(
        self, spec: Spec, engines: Sequence[Engine], only: Callable[[Planned], bool] = lambda _: True
    ) -> dict[Setting, Group]:
        made = grid.run(self.task, spec, engines, self.root, self.progress, tell=self.tell, only=only)
        return {Setting.of(group[0].spec): group for group in groups.grouped([run for run, _ in made])}

    def _tables(self, group: Sequence[Run]) -> list[Array]:
        return [differences.statistics(run, self.made) for run in group]

    def _look(self, size: int, found: Mapping[Setting, Group], alpha: float) -> Round:
        """The candidates after ``size`` items, the best first."""
        first = next(iter(found.values()))[0]
        tables = [self._tables([store.aligned(run, first) for run in group]) for group in found.values()]
        gaps = race.behind(self.made, self.metric, tables, alpha, store.clusters(first.examples))
        standings = [
            Standing(
                groups.describe(group),
                race.value(self.made, self.metric, mine),
                gap,
                gap is not None and gap.high < 0,
            )
            for group, mine, gap in zip(found.values(), tables, gaps, strict=True)
        ]
        sign = 1 if self.made.losses else -1
        standings.sort(key=lambda each: (each.behind is not None, each.dropped, sign * each.score))
        computed = sum(run.usage["computed_tokens"] for group in found.values() for run in group)
        return Round(size, tuple(standings), computed)

    def _report(self, winner: Setting, incumbent: Setting) -> tuple[Comparison, tuple[Against, ...]]:
        """The one look at the split that is reported on: the winner, the incumbent, and the best baseline."""
        asked = [self._alone(setting) for setting in dict.fromkeys((winner, incumbent))]
        if self.spec.baselines:
            asked.append(self._baseline())
        runs = [run for group in asked for run in group]
        reference = asked[1][0].name if len(asked) > 1 else None
        comparison = differences.compare(runs, self.metric, reference)
        # The table names rows as no other is named; the first is the winner's.
        mine, *others = comparison.rows
        clusters = store.clusters(mine.run.examples)
        sides = [self._tables(row.runs) for row in others]
        own = self._tables(mine.runs)
        ps = multiple.adjust([estimate.p_value(self.made, self.metric, own, side, clusters) for side in sides])
        gaps = [differences.difference(mine.runs, row.runs, self.metric) for row in others]
        return comparison, tuple(Against(row.label, gap, p) for row, gap, p in zip(others, gaps, ps, strict=True))

    def _alone(self, setting: Setting) -> Group:
        """The runs of one setting on the split that is reported on."""
        engines = [each for each in self.engines if each.identity["model"] == setting.model]
        (group,) = self._runs(setting.within(self.spec), engines).values()
        return group

    def _baseline(self) -> Group:
        """The runs, on the split that is reported on, of the baseline that is best where the choice was made."""
        trained = replace(self.spec, templates=(), recorded=())
        asked = replace(trained, split=self.on, limit=None)
        if len(self.spec.baselines) > 1:
            found = groups.grouped([run for run, _ in grid.run(self.task, asked, (), self.root, self.progress)])
            best = found[race.leader(self.made, self.metric, [self._tables(group) for group in found])]
            name = self.spec.baselines[found.index(best)]
            trained = replace(trained, baselines=(name,), params=grid.given(self.spec)[name])
        made = grid.run(self.task, trained, (), self.root, self.progress, tell=self.tell)
        return tuple(run for run, _ in made)
