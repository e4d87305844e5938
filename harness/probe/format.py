"""What a score owes to separators, case and line ends of its template."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import ClassVar

import numpy as np

from harness import aside
from harness.chance import rng
from harness.compare import differences, estimate, groups
from harness.compare.finding import Finding, Line
from harness.compare.spread import Spread
from harness.engines.journal import Journal
from harness.errors import InputError
from harness.predictors.prompted import Prompted
from harness.probe import searched, variants
from harness.probe.asked import Asked
from harness.probe.cells import Cells
from harness.prompt import formats, template
from harness.results import store
from harness.stats import rasch
from harness.stats.intervals import Estimate
from harness.study import grid
from harness.study.grid import Spec
from harness.study.items import Items

FITS = 100  # of the Rasch model, to items drawn anew


class Formats:
    """The template in other formats: separators, case of field names, line ends, option marks, names that say the same.
    ``formats`` are drawn, and stand as files below ``formats`` of the results. ``budget`` asks for so many answers of
    each prompt only, and searches the best and the worst with them; ``share`` asks for that share of them, and
    estimates the scores of all."""

    name: ClassVar[str] = "format"
    source: ClassVar[str] = "Sclar et al. 2024; Mizrahi et al. 2024; Polo et al. 2024"

    def __init__(self, formats: int = 24, budget: int = 0, share: float = 0.0) -> None:
        if formats < 2:
            raise InputError(f"probe 'format': formats={formats}: there is a spread among 2 or more.")
        if budget and share:
            raise InputError("probe 'format': give budget, to search, or share, to estimate; not both.")
        if budget and budget < searched.LEAST * searched.BATCH:
            raise InputError(
                f"probe 'format': budget={budget}: give {searched.LEAST * searched.BATCH} answers or more."
            )
        if not 0 <= share < 1:
            raise InputError(f"probe 'format': share={share}: give a share of all answers, such as 0.05.")
        self.formats, self.budget, self.share = formats, budget, share

    def look(self, asked: Asked) -> Finding:
        asked.check_prompts(self.name)
        specs, said, notes = self.specs(asked)
        found = list((self._part if self.budget or self.share else self._whole)(asked, specs, said))
        lines = tuple(each for each in found if isinstance(each, Line))
        notes += [each for each in found if isinstance(each, str)]
        return Finding(self.name, self.source, lines, tuple(notes))

    def specs(self, asked: Asked) -> tuple[list[Spec], dict[str, str], list[str]]:
        """For each template a spec of it and its formats, as files; what each of these is; and what is to be told."""
        specs, notes = [], []
        said: dict[str, str] = {}
        for name in asked.spec.templates:
            made = self._made(asked, name)
            if len(made) < self.formats - 1:
                notes.append(f"template {name}: it has {len(made) + 1} formats, with the one given.")
            said |= {Path(path).stem: f"{Path(path).stem} ({words})" for path, words in made}
            specs.append(replace(asked.spec, templates=(name, *(path for path, _ in made))))
        return specs, said, notes

    def _made(self, asked: Asked, name: str) -> list[tuple[str, str]]:
        """The files of a template's formats, and what each is."""
        given = template.load(name, asked.task)
        written = asked.spec.mode == "generate" or not given.scored or any(e.tokenizer is None for e in asked.engines)
        made = formats.drawn(given, self.formats - 1, rng("formats", asked.seed, given.sha), written)
        if not made:
            raise InputError(
                f"probe 'format': template {given.path} has no line such as `Field: {{{{ value }}}}`, no blank lines "
                "and no marked options, so there is nothing to write otherwise."
            )
        folder = asked.root / "formats" / asked.task.name
        found = []
        for form, each in made:
            path = folder / f"{given.name}~{each.digest[:8]}.j2"
            aside.write(path, each.source)
            found.append((path.as_posix(), str(form)))
        return found

    def _whole(self, asked: Asked, specs: Sequence[Spec], said: Mapping[str, str]) -> Iterator[Line | str]:
        """All formats on all items."""
        runs, workload = asked.together(specs)
        for made in runs:
            spreads, titles, models = [], [], []
            for places in variants.alike(made, ("template",)):
                group = [made[place] for place in places]
                spread, title = Spread.of(group, asked.measured), groups.describe(group[:1])
                yield from variants.told(spread, title, "formats")
                yield from variants.parts(group, title, asked.measured)
                ends = (spread.values.argmax(), spread.values.argmin())
                best, worst = (_called(group[int(place)].spec["template"], said) for place in ends)
                yield (
                    f"{title}: noise alone would show {spread.noise:.3f} from lowest to highest. Highest: {best}. "
                    f"Lowest: {worst}."
                )
                spreads.append(spread)
                titles.append(title)
                models.append(group[0].spec["model"])
            pairs = [pair for pair in combinations(range(len(models)), 2) if models[pair[0]] != models[pair[1]]]
            for pair in pairs:
                yield from variants.reversals([spreads[i] for i in pair], [titles[i] for i in pair], "formats")
        yield variants.cost(workload, [run for made in runs for run in made])

    def _part(self, asked: Asked, specs: Sequence[Spec], said: Mapping[str, str]) -> Iterator[Line | str]:
        """All formats on some items each."""
        spec = asked.spec
        items = Items(asked.task, spec.split, spec.limit, spec.without_overlap).examples
        with Journal(asked.root / "journal.sqlite", asked.tell) as journal:
            for each in specs:
                plan = grid.plan(
                    asked.task, replace(each, baselines=(), params={}, recorded=()), asked.engines, journal
                )
                for prompts in _bases([p.predictor for p in plan if isinstance(p.predictor, Prompted)]):
                    for prompt in prompts:
                        prompt.fit(asked.task.examples("train"))
                    cells = Cells(prompts, items)
                    yield from (self._search if self.budget else self._estimate)(cells, asked, said)
                    every = cells.scores.size
                    yield (
                        f"{variants.titled(prompts[0])}: {cells.asked:,} of {every:,} answers asked for; "
                        f"{cells.computed:,} tokens computed for {cells.trie:,} nodes of their tries."
                    )

    def _search(self, cells: Cells, asked: Asked, said: Mapping[str, str]) -> Iterator[Line | str]:
        found = searched.extremes(cells, self.budget, asked.seed)
        made = differences.family(asked.measured, asked.task.kind)
        examples = [cells.items[place] for place in found.items]
        high, low = (
            made.statistics(examples, [cells.predictions[which][place] for place in found.items])
            for which in (found.best, found.worst)
        )
        clusters = store.clusters(examples)
        gap = estimate.difference(made, asked.measured, [high], [low], clusters)
        place = made.names.index(asked.measured)
        was, now = (float(made.score(table.sum(0))[..., place]) for table in (low, high))
        p = estimate.p_value(made, asked.measured, [high], [low], clusters)
        title = variants.titled(cells.prompts[0])
        measure = f"{asked.measured}: worst found to best found of {len(cells.prompts)} formats"
        yield Line(title, measure, gap, len(examples), was, now, p=p)
        names = [_called(cells.prompts[which].template.name, said) for which in (found.best, found.worst)]
        yield (
            f"{title}: found by a search, and held side by side on {len(examples)} items that it did not see: the "
            f"spread of all formats is as large or larger. Best found: {names[0]}. Worst found: {names[1]}."
        )

    def _estimate(self, cells: Cells, asked: Asked, _: Mapping[str, str]) -> Iterator[Line | str]:
        many, n = cells.scores.shape
        title = variants.titled(cells.prompts[0])
        chosen = rasch.balanced(many, n, self.share, rng("cells", asked.seed))
        cells.ask({row: np.flatnonzero(chosen[row]).tolist() for row in range(many)})
        draw, values = rng("fits", asked.seed), rasch.means(cells.scores)
        fits = [rasch.means(cells.scores[:, draw.integers(n, size=n)]) for _ in range(FITS)]
        shares = (0.25, 0.5, 0.75)
        for name, share in zip(("lower quartile", "median", "upper quartile"), shares, strict=True):
            low, high = np.nanquantile([np.nanquantile(fit, share) for fit in fits], [0.025, 0.975])
            value = Estimate(float(np.quantile(values, share)), float(low), float(high))
            yield Line(title, f"item score: {name} of {many} formats, estimated", value, n)
        rank = 1 + int(np.sum(values > values[0]))
        yield f"{title}: the one given is number {rank} of {many} by estimated scores ({values[0]:.3f})."


def _bases(prompts: Sequence[Prompted]) -> list[list[Prompted]]:
    """The formats of one prompt together."""
    found: dict[object, list[Prompted]] = {}
    for prompt in prompts:
        settings = {key: value for key, value in prompt.settings.items() if key != "template"}
        found.setdefault((id(prompt.engine), prompt.seed, *settings.items()), []).append(prompt)
    return list(found.values())


def _called(name: str, said: Mapping[str, str]) -> str:
    return said.get(name, f"{name} (as given)")
