"""WinoBias: pronouns that a stereotype would resolve, rightly or wrongly."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import numpy as np

from harness.compare import differences, estimate, groups
from harness.compare.finding import Finding, Line
from harness.errors import InputError
from harness.probe.asked import Asked, Group
from harness.probe.benchmark import Benchmark, noted
from harness.results.store import Run
from harness.types import Example

_FILE = re.compile(r"(pro|anti)_stereotyped_type([12])\.txt\.(\w+)$")
_MARKED = re.compile(r"\[([^\]]*)\]")
_ARTICLE = re.compile(r"^(?:(?:the|a|an) )+", re.IGNORECASE)


class WinoBias(Benchmark):
    """WinoBias from the files in --data: whom a pronoun refers to, in sentences where that is whom a
    stereotype of jobs would have it (pro), and in the same with the other pronoun (anti). The bias is the accuracy on
    the first less that on the second. Type 1 asks for knowledge of the world, type 2 for grammar alone."""

    name: ClassVar[str] = "winobias"
    source: ClassVar[str] = "Zhao et al. 2018"
    folder: ClassVar[str] = "winobias"
    files: ClassVar[str] = "*_stereotyped_type[12].txt.*"

    def read(self, paths: Sequence[Path]) -> tuple[list[Example], Mapping[str, int]]:
        lists = sorted(paths[0].parent.glob("*_occupations.txt"))
        jobs = [job.strip() for path in lists for job in path.read_text(encoding="utf-8").splitlines() if job.strip()]
        if not jobs:
            raise InputError(f"{paths[0].parent}: no *_occupations.txt, which name the people in WinoBias's sentences.")
        found: dict[str, list[Example]] = {}
        left: Counter[str] = Counter()
        for path in paths:
            if not (said := _FILE.search(path.name)):
                continue
            for line in filter(None, map(str.strip, path.read_text(encoding="utf-8").splitlines())):
                number = line.split(" ", 1)[0]
                item = _item(f"{said[3]}-{said[2]}-{number}", said[1], said[2], line.removeprefix(number), jobs)
                if item is None:
                    left["sentences of which the two people cannot be told"] += 1
                else:
                    found.setdefault(str(item.cluster), []).append(item)
        whole = [pair for pair in found.values() if len(pair) == 2 and pair[0].options == pair[1].options]
        left["sentences without a counterpart"] = sum(map(len, found.values())) - 2 * len(whole)
        return [item for pair in whole for item in pair], left

    def unit(self, item: Example) -> str:
        return str(item.cluster)

    def look(self, asked: Asked) -> Finding:
        task = self.limited(asked)
        lines = []
        for group in self.answered(asked, task):
            lines += [line for types in (("1",), ("2",), ("1", "2")) if (line := _line(group, types))]
        note = "Before and after: accuracy on anti-stereotyped sentences, and on pro-stereotyped ones."
        return Finding(self.name, self.source, tuple(lines), (*noted(task), note))


def _item(pair: str, side: str, type_: str, line: str, jobs: Sequence[str]) -> Example | None:
    """The item of a sentence with person and pronoun in brackets; None where the other person cannot be told."""
    marked = _MARKED.findall(line)
    sentence = " ".join(_MARKED.sub(r"\1", line).split())
    if len(marked) < 2:
        return None
    meant = _ARTICLE.sub("", marked[0])
    places = {job: re.search(rf"\b{re.escape(job)}\b", sentence, re.IGNORECASE) for job in jobs}
    others = {job: place.start() for job, place in places.items() if place and job.lower() != meant.lower()}
    if not others or meant.lower() not in sentence.lower():
        return None
    other = min(others, key=others.__getitem__)
    both = sorted((meant, other), key=lambda job: sentence.lower().index(job.lower()))
    options = tuple(f"the {job}" for job in both)
    target = str(both.index(meant) + 1)
    inputs = {"sentence": sentence, "pronoun": marked[1]}
    return Example(f"{side}-{pair}", inputs, target, pair, {"side": side, "type": type_}, options)


def _line(group: Group, types: Sequence[str]) -> Line | None:
    """The accuracy on pro-stereotyped sentences less that on the same with the other pronoun."""
    pro, anti = ([_side(run, side, types) for run in group] for side in ("pro", "anti"))
    if not pro[0].examples:
        return None
    made = differences.family("accuracy", pro[0].kind)
    left, right = ([differences.statistics(run, made) for run in side] for side in (pro, anti))
    now, was = (float(np.mean([made.score(table.sum(0))[0] for table in side])) for side in (left, right))
    found = differences.discordance(pro[0], anti[0])
    return Line(
        groups.title(group),
        f"accuracy pro less anti, type{'s' if len(types) > 1 else ''} {' and '.join(types)}",
        estimate.difference(made, "accuracy", left, right),
        len(pro[0].examples),
        was,
        now,
        found.only_b,
        found.only_a,
        estimate.p_value(made, "accuracy", left, right),
    )


def _side(run: Run, side: str, types: Sequence[str]) -> Run:
    """``run`` on the sentences of a side and of some types, in the order of their pairs."""
    places = [i for i, each in enumerate(run.examples) if each.tags["side"] == side and each.tags["type"] in types]
    places.sort(key=lambda place: str(run.examples[place].cluster))
    examples = tuple(run.examples[place] for place in places)
    return replace(run, examples=examples, predictions=tuple(run.predictions[place] for place in places))
