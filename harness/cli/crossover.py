"""`harness report --crossover`: with how many labels a baseline overtakes a prompt, and what that costs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from harness.cli.screen import note
from harness.errors import InputError

if TYPE_CHECKING:  # heavy, and needed where a crossover is asked for alone
    from harness.compare.differences import Comparison
    from harness.compare.payback import Terms
    from harness.report.crossover import Found


def known_terms(
    crossing: bool, label: float | None, price: tuple[float, ...] | None, volume: float | None
) -> Terms | None:
    """What money is asked about; None where nothing is. Raises InputError where a part is missing."""
    if label is None and volume is None:
        return None
    if not crossing:
        raise InputError("--label-cost and --volume say what a crossing costs: add --crossover.")
    if label is None or volume is None or price is None:
        raise InputError(
            "what labels and a prompt cost takes all three: --label-cost (one label), --price (a million tokens) and "
            "--volume (items a month), such as --label-cost 0.5 --price 0.15,0.60 --volume 100000."
        )
    from harness.compare.differences import Price
    from harness.compare.payback import Terms

    return Terms(label, Price(*price), volume)


def crossed(comparisons: Sequence[Comparison], terms: Terms | None) -> list[Found]:
    """The crossover of each comparison, in money where there are ``terms``."""
    from harness.compare.crossover import crossover
    from harness.compare.payback import payback

    made = map(crossover, comparisons)
    return [(each, [payback(crossing, terms) for crossing in each.crossings] if terms else []) for each in made]


def render_crossovers(found: Sequence[Found], form: str) -> str:
    """As text of a format."""
    from harness.report.crossover import render

    return render(found, form)


def draw(comparisons: Sequence[Comparison], folder: Path, crossovers: Sequence[Found]) -> None:
    """The figures of each comparison, and of its crossover where it is among those that are asked for."""
    from harness.report import figure
    from harness.report.figures.crossover import figures

    more = {id(each.comparison): figures(each, paid) for each, paid in crossovers}
    for comparison in comparisons:
        for path in figure.draw(comparison, folder, more.get(id(comparison), ())):
            note(f"Drew {path}")
