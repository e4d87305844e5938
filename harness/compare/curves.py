"""Learning curves: which rows are points of one line, against the demonstrations or the training examples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.compare import groups
from harness.compare.differences import Comparison, Row

SHOTS, TRAIN = "shots", "n_train"  # of a run's spec: what a line goes along

Strand = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Line:
    """Rows that differ by ``across`` only, in its order."""

    name: str
    across: str
    rows: tuple[Row, ...]

    def place(self, row: Row) -> int:
        """Where a row stands along the line."""
        return int(row.run.spec[self.across])

    @property
    def sizes(self) -> list[int]:
        """Where its points stand."""
        return sorted({self.place(row) for row in self.rows})


def prompts(comparison: Comparison) -> list[Line]:
    """Against the number of demonstrations, a line a template, selector and order."""
    rows = [row for row in comparison.rows if row.prompted]
    lines: dict[Strand, list[Row]] = {}
    for row in rows:
        if row.run.spec[SHOTS]:
            lines.setdefault(_strand(row, (SHOTS,)), []).append(row)
    # Zero shots have no selector: they begin every line of the same template.
    starts = {_strand(row, (SHOTS,)): row for row in rows if not row.run.spec[SHOTS]}
    for strand, start in starts.items():
        alike = [each for each in lines if not set(strand) - set(each)]
        for each in alike or [strand]:
            lines.setdefault(each, []).append(start)
    return _lines(lines, SHOTS)


def baselines(comparison: Comparison) -> list[Line]:
    """Against the number of training examples, a line a baseline."""
    lines: dict[Strand, list[Row]] = {}
    for row in comparison.rows:
        if row.trained:
            # Samples that a selector drew, "5 shots (knn)", are no points of the curve of stratified ones.
            drawn = str(row.run.spec["train_size"] or "").partition(" shots ")[2]
            strand = (*_strand(row, ("train", TRAIN)), *([("drawn by", drawn)] if drawn else []))
            lines.setdefault(strand, []).append(row)
    return _lines(lines, TRAIN)


def _strand(row: Row, but: Sequence[str]) -> Strand:
    """What the points of one line share."""
    return groups.fixed(row.run, but)


def _lines(lines: Mapping[Strand, Sequence[Row]], across: str) -> list[Line]:
    ordered = [tuple(sorted(rows, key=lambda row: int(row.run.spec[across]))) for rows in lines.values()]
    return [Line(name, across, rows) for name, rows in zip(_names(lines), ordered, strict=True)]


def _names(lines: Mapping[Strand, Sequence[Row]]) -> list[str]:
    """A few words for each line, and where others have the same, what tells them apart."""
    short = [_name(max((row.run.spec for row in rows), key=lambda spec: spec[SHOTS] or 0)) for rows in lines.values()]
    names = []
    for name, strand in zip(short, lines, strict=True):
        twins = [set(other) for title, other in zip(short, lines, strict=True) if title == name]
        own = [f"{key} {value}" for key, value in strand if any((key, value) not in twin for twin in twins)]
        names.append(", ".join([name, *own]))
    return names


def _name(spec: Mapping[str, Any]) -> str:
    model = str(spec["model"] or "").rstrip("/").rsplit("/", 1)[-1]
    if spec["template"] is None:
        return f"{spec['predictor']} ({model})" if model else str(spec["predictor"])
    return ", ".join(filter(None, (model, spec["template"], spec["selector"])))
