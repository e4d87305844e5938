"""What labels cost once against what a prompt costs every month."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from harness.compare.crossover import Crossing, about, bracket, rounded
from harness.compare.differences import Price, Row
from harness.errors import InputError
from harness.stats.intervals import Estimate

COUNTED = (
    "Counted: the labels that a baseline learns from, once; and the tokens of one item asked by itself, demonstrations "
    "and all, times the items of a month, at --price and without discounts for what prompts share. Not counted: the "
    "items that judge both, training and running the baseline (little beside, where it runs on a processor at hand), "
    "writing the prompt, and labels anew when the data change."
)


@dataclass(frozen=True, slots=True)
class Terms:
    """Money for one ``label``; a ``price`` of tokens; and the items of a month, ``volume``."""

    label: float
    price: Price
    volume: float

    def __post_init__(self) -> None:
        for name, value in (("--label-cost", self.label), ("--volume", self.volume)):
            if not (value > 0 and math.isfinite(value)):
                raise InputError(f"{name} {value:g}: must be above 0, such as 0.5.")


@dataclass(frozen=True, slots=True)
class Payback:
    """Of a crossing: what its ``labels`` cost, in the round numbers in which they are told, and after how many
    ``months`` the prompt has cost as much, each with the crossing's interval (0 and infinite as there); what the prompt
    costs a month, ``monthly``, and its ``tokens`` an item, read and written: NaN where its runs do not tell them."""

    crossing: Crossing
    terms: Terms
    tokens: tuple[float, float]
    monthly: float
    labels: Estimate
    months: Estimate

    @property
    def sentence(self) -> str:
        """What was found, of a crossing within what is known."""
        crossing = self.crossing
        if math.isnan(self.monthly):
            return f"{crossing.prompt}: its runs tell no tokens of an item, and so not what it costs. Run it again."
        costs = f"{crossing.prompt} costs {money(self.monthly)} a month at {self.terms.volume:,.0f} items"
        if math.isnan(crossing.at.value):
            return f"{costs}."
        name, size = crossing.curve.name, crossing.at.value
        if math.isinf(size):
            end = crossing.curve.end
            return (
                f"{costs}; {end:,} labels, with which {name} is not as good yet, cost {money(end * self.terms.label)}."
            )
        if size == 0:
            first = crossing.curve.sizes[0]
            cost = first * self.terms.label
            return (
                f"Labelling {first:,} examples for {name}, or fewer, costs {money(cost)} at most; {costs}: paid back "
                f"in {duration(cost / self.monthly if self.monthly else math.inf)} at most."
            )
        return (
            f"Labelling {about(size)}{bracket(crossing.at, about)} examples for {name} costs "
            f"{money(self.labels.value)}{bracket(self.labels, money)}; {costs}: paid back in "
            f"{duration(self.months.value)}{bracket(self.months, _months)}."
        )


def payback(crossing: Crossing, terms: Terms) -> Payback:
    """The crossing in money."""
    tokens = spent(crossing.row)
    monthly = terms.price.money(*tokens) * terms.volume
    at = crossing.at
    labels = Estimate(*(rounded(size) * terms.label for size in (at.value, at.low, at.high)))
    each = [_over(cost, monthly) for cost in (labels.value, labels.low, labels.high)]
    return Payback(crossing, terms, tokens, monthly, labels, Estimate(*each))


def spent(row: Row) -> tuple[float, float]:
    """Tokens read and written for an item that is asked by itself, on average; NaN where the runs do not tell."""
    each = [p.trace.spent for run in row.runs for p in run.predictions if p.trace]
    if not any(spent.prompt for spent in each):
        return math.nan, math.nan
    return float(np.mean([spent.prompt for spent in each])), float(np.mean([spent.written for spent in each]))


def _over(cost: float, monthly: float) -> float:
    if math.isnan(cost) or math.isnan(monthly):
        return math.nan
    return cost / monthly if monthly else math.inf if cost else 0.0


def money(amount: float) -> str:
    """Whole money from 100 on, else with two decimals, or as many as show something.

    >>> money(1234.5), money(12.3), money(0.00123)
    ('1,234', '12.30', '0.0012')
    """
    if amount >= 100 or amount == 0:
        return f"{amount:,.0f}"
    return f"{amount:.2f}" if amount >= 0.01 else f"{amount:.2g}"


def _months(months: float) -> str:
    return f"{months:,.0f}" if months >= 10 else f"{months:.1f}"


def duration(months: float) -> str:
    """Months in words; years from three on beside them."""
    if math.isinf(months):
        return "no time"
    shown = _months(months)
    years = f" ({months / 12:,.0f} years)" if months >= 36 else ""
    return f"{shown} {'month' if shown == '1.0' else 'months'}{years}"
