"""What a probe found, for whoever shows or judges it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from harness.stats import multiple
from harness.stats.intervals import Estimate

BEYOND = "beyond that of"  # a measure: a change less that of another predictor


@dataclass(frozen=True, slots=True)
class Line:
    """What a probe finds of one predictor: a ``measure`` with its interval. ``before`` and ``after`` are the scores
    that it compares, ``lost`` and ``won`` the items that were right before only, and after only; ``n`` counts the items
    that it looked at, ``p`` tests that there is nothing."""

    predictor: str
    measure: str
    value: Estimate
    n: int
    before: float | None = None
    after: float | None = None
    lost: int | None = None
    won: int | None = None
    p: float | None = None

    @property
    def signed(self) -> bool:
        """Whether the value is a difference."""
        return self.before is not None or self.measure.startswith(BEYOND)


@dataclass(frozen=True, slots=True)
class Flip:
    """An item that a predictor has right in one form and wrong in the other."""

    predictor: str
    id: str
    before: str
    after: str
    said_before: str | None
    said_after: str | None
    target: str


@dataclass(frozen=True, slots=True)
class Finding:
    """What a probe found: ``source`` is where it is known from, ``notes`` are sentences on what was changed."""

    probe: str
    source: str
    lines: tuple[Line, ...]
    notes: tuple[str, ...] = ()
    flips: tuple[Flip, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Row:
    """What a probe says of several predictors by one ``measure``, a line of each by its title."""

    probe: str
    measure: str
    n: int
    lines: Mapping[str, Line]


@dataclass(frozen=True, slots=True)
class Probed:
    """A study under probes: each predictor's score, by its title, on the ``n`` items of a ``split`` as they are, and
    what was found. There are no scores where probes brought items of their own only."""

    task: str
    split: str
    n: int
    metric: str
    scores: Mapping[str, Estimate]
    findings: tuple[Finding, ...]

    def page(self) -> list[Row]:
        """What each probe says first of the predictors that have a score, and what it says of them beside the best
        baseline; p is adjusted for all of it (Holm, 1979)."""
        rows = [row for finding in self.findings for row in _rows(finding, self.scores)]
        known = [line.p for row in rows for line in row.lines.values() if line.p is not None]
        adjusted = iter(multiple.adjust(known))
        return [
            replace(
                row,
                lines={
                    name: line if line.p is None else replace(line, p=next(adjusted))
                    for name, line in row.lines.items()
                },
            )
            for row in rows
        ]


def _rows(finding: Finding, predictors: Mapping[str, Estimate]) -> Iterator[Row]:
    lines = [line for line in finding.lines if line.predictor in predictors]
    first: dict[str, Line] = {}
    for line in lines:
        first.setdefault(line.predictor, line)
    yield from _row(finding.probe, list(first.values()))
    yield from _row(finding.probe, [line for line in lines if line.measure.startswith(BEYOND)])


def _row(probe: str, lines: Sequence[Line]) -> Iterator[Row]:
    if lines:
        yield Row(probe, lines[0].measure, lines[0].n, {line.predictor: line for line in lines})
