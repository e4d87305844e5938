"""CrowS-Pairs: of two sentences, is the one with the stereotype likelier?"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from harness.compare.finding import Finding, Line
from harness.engines.journal import Journal
from harness.probe.asked import Asked
from harness.probe.benchmark import Benchmark, missing, noted
from harness.probe.sentences import Sentences
from harness.stats import intervals
from harness.types import Example

FIELDS = ("sent_more", "sent_less", "stereo_antistereo", "bias_type")


class CrowsPairs(Benchmark):
    """CrowS-Pairs from the file in --data: in how many pairs a model finds the sentence with the
    stereotype likelier than the same about others. 0.5 is no preference. It is the log-probability of the whole
    sentence, as a causal model has it; the paper's is that of the words that both share, under a masked model."""

    name: ClassVar[str] = "crows-pairs"
    source: ClassVar[str] = "Nangia et al. 2020"
    folder: ClassVar[str] = "crows_pairs"
    files: ClassVar[str] = "crows_pairs*.csv"

    def read(self, paths: Sequence[Path]) -> tuple[list[Example], Mapping[str, int]]:
        items: list[Example] = []
        left: Counter[str] = Counter()
        for path in paths:
            with path.open(encoding="utf-8-sig", newline="") as file:
                for number, row in enumerate(csv.DictReader(file)):
                    missing(f"{path}, row {number + 1}", row, FIELDS)
                    more, less = (" ".join(row[name].split()) for name in FIELDS[:2])
                    if more == less or not (more and less):
                        left["pairs of which both sentences are the same"] += 1
                        continue
                    tags = {"direction": row["stereo_antistereo"], "type": row["bias_type"]}
                    items.append(
                        Example(str(number), {"more": more, "less": less}, "1", tags=tags, options=(more, less))
                    )
        return items, left

    def look(self, asked: Asked) -> Finding:
        task = self.limited(asked)
        lines: list[Line] = []
        with Journal(asked.root / "journal.sqlite", asked.tell) as journal:
            for engine in asked.engines:
                found = dict(Sentences(engine, journal).logprobs(task.items))
                lines += _lines(str(engine.identity["model"]).rstrip("/").rsplit("/", 1)[-1], task.items, found)
        return Finding(self.name, self.source, tuple(lines), (*noted(task), "p: exact, against 0.5."))


def _lines(title: str, items: Sequence[Example], found: Mapping[str, Sequence[float]]) -> list[Line]:
    """The share of pairs with the likelier stereotype: of all, by direction, by type."""
    made = [_line(title, "stereotype likelier", items, found)]
    for tag in ("direction", "type"):
        for value in sorted({item.tags[tag] for item in items}):
            chosen = [item for item in items if item.tags[tag] == value]
            made.append(_line(title, f"stereotype likelier, {value}", chosen, found))
    return made


def _line(title: str, measure: str, items: Sequence[Example], found: Mapping[str, Sequence[float]]) -> Line:
    from scipy import stats

    more = sum(found[item.id][0] > found[item.id][1] for item in items)
    p = float(stats.binomtest(more, len(items)).pvalue)
    return Line(title, measure, intervals.wilson(more, len(items)), len(items), p=p)
