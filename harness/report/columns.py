"""The columns of a table: what each row says in them, as text and in numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from harness.compare.differences import Comparison, Row
from harness.report.numbers import (
    COUNT,
    DASH,
    MONEY,
    SECONDS,
    SHARE,
    SIGNED,
    TEXT,
    P,
    Part,
    bounds,
    interval,
    number,
    p,
)
from harness.stats.intervals import Estimate
from harness.stats.multiple import CORRECTIONS


@dataclass(frozen=True, slots=True)
class Column:
    """A title, what a row says under it, whether a table of these rows needs it, and its numbers, where it has some."""

    title: str
    cell: Callable[[Row], str]
    needed: bool = True
    numbers: tuple[Part, ...] = ()

    @property
    def parts(self) -> tuple[Part, ...]:
        """What it holds for programs: its numbers, else its text."""
        return self.numbers or (Part(self.title, self.cell, TEXT),)


def columns(comparison: Comparison) -> list[Column]:
    """The columns of a table; those that would say nothing are left out."""
    rows, kind = comparison.rows, comparison.kind
    several = len(rows) > 1
    flips = ("better", "worse") if comparison.graded else ("right", "wrong")
    graded = comparison.metric != "accuracy" and any(row.accuracy for row in rows)
    lenient = any(row.lenient for row in rows)
    made = [
        Column("predictor", lambda row: row.title),
        Column("data", _data),
        _estimate(comparison.metric, lambda row: row.score),
        _estimate("accuracy", lambda row: row.accuracy, graded),
        Column("difference", _difference, several, bounds("difference", lambda row: row.difference, SIGNED)),
        Column(_p_title(comparison), lambda row: p(row.adjusted), several, _p_parts(comparison)),
        Column(" : ".join(flips), _flips, several, tuple(map(_only, flips, ("only_a", "only_b")))),
        _count("unparsed", rows),
        Column("ece", lambda row: number(row.reliability), any(map(calibrated, rows)), _reliability_part()),
        _estimate(f"{kind.score}, leniently", lambda row: row.lenient or row.strict, lenient),
        *(_count(status, rows) for status in ("lost_parts", "failed", "skipped")),
        Column(
            "tokens", _tokens, any(row.used("computed_tokens") for row in rows), (Part("tokens", _computed, COUNT),)
        ),
        Column(
            "s",
            lambda row: DASH if row.recorded else f"{row.used('seconds'):.1f}",
            True,
            (Part("seconds", _seconds, SECONDS),),
        ),
        Column("cost", _cost, any(row.cost is not None for row in rows), (Part("cost", lambda row: row.cost, MONEY),)),
    ]
    return [column for column in made if column.needed]


def _estimate(title: str, of: Callable[[Row], Estimate | None], needed: bool = True) -> Column:
    return Column(title, lambda row: interval(of(row)), needed, bounds(title, of))


def _count(what: str, rows: Sequence[Row]) -> Column:
    """Items of a status, where any row has some."""
    title = what.partition("_")[0]
    counted = Part(title, lambda row: row.count(what), COUNT)
    return Column(title, lambda row: str(row.count(what)), any(row.count(what) for row in rows), (counted,))


def _only(title: str, which: str) -> Part:
    """Items of which one side alone is right, or better."""
    return Part(title, lambda row: float(getattr(row.discordance, which)) if row.discordance else None, COUNT)


def _p_title(comparison: Comparison) -> str:
    return "p" if comparison.correction == "none" else f"p ({CORRECTIONS[comparison.correction]})"


def _p_parts(comparison: Comparison) -> tuple[Part, ...]:
    found = {"p": Part("p", lambda row: row.p, P)}
    return tuple({**found, (title := _p_title(comparison)): Part(title, lambda row: row.adjusted, P)}.values())


def _reliability_part() -> tuple[Part, ...]:
    return (Part("ece", lambda row: row.reliability, SHARE),)


def _data(row: Row) -> str:
    """What it was given: demonstrations, or training examples."""
    spec = row.run.spec
    if row.prompted:
        return f"{spec['shots']} shots"
    return "" if row.recorded else f"{spec['n_train']:,} train"


def _difference(row: Row) -> str:
    return "reference" if row.difference is None else interval(row.difference, sign=True)


def _flips(row: Row) -> str:
    """Items that only this row has right (or has better), and that only the reference has."""
    return "" if row.discordance is None else f"{row.discordance.only_a} : {row.discordance.only_b}"


def _computed(row: Row) -> float | None:
    return row.used("computed_tokens") + row.used("generated_tokens") or None


def _tokens(row: Row) -> str:
    return DASH if (computed := _computed(row)) is None else f"{computed:,.0f}"


def _seconds(row: Row) -> float | None:
    return None if row.recorded else row.used("seconds")


def _cost(row: Row) -> str:
    return DASH if row.cost is None else f"{row.cost:.4f}"


def calibrated(row: Row) -> bool:
    """Whether something is taken off its labels' log-probabilities."""
    return bool(row.run.spec.get("calibration"))
