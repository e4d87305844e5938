"""The arithmetic that answered the training question most like this one."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple, Self

import numpy as np

from harness.kinds.quantities import CURRENCIES, Quantity, quantities, whole
from harness.models.terms import vectorizer
from harness.predictors.simple import Simple
from harness.types import Example, Signature

TRIED = 10  # of the nearest training questions, until one's operation can be done
FIRST = 16  # numbers of a text that are tried as operands

OPERATIONS: Mapping[str, Callable[[Decimal, Decimal], Decimal]] = {
    "difference": lambda a, b: a - b,
    "sum": lambda a, b: a + b,
    "average": lambda a, b: (a + b) / 2,
    "growth": lambda a, b: 100 * (a - b) / b,
    "share": lambda a, b: 100 * a / b,
    "ratio": lambda a, b: a / b,
    "product": lambda a, b: a * b,
}


PERCENT = ("growth", "share")  # what gives a percentage, and nothing else


class Way(NamedTuple):
    """How a training answer comes from its numbers: a number as it stands (``name`` is empty), or an operation on two,
    by their places; ``like`` is that answer."""

    name: str
    first: int
    second: int
    like: Quantity


class Operation(Simple):
    """The operation of the nearest training question (by TF-IDF), on the numbers at the same places of text and table.

    Of each training item it learns the first of these that gives the answer: a number as it stands; difference, sum,
    average, growth in percent, share in percent, ratio and product of two. Scale and unit are those of that item's
    answer, but for the currency, which is that of the item's own text; decimals are the most that an answer of the
    operation has. Where none of the ten nearest can be done, the largest number is said."""

    name = "operation"

    @property
    def signature(self) -> Signature:
        import sklearn

        return Signature.of(predictor=self.name, features="char_wb2-4", sklearn=sklearn.__version__)

    def fit(self, train: Sequence[Example], dev: Sequence[Example] = ()) -> Self:
        found = [(example, way) for example in sorted(train, key=lambda e: e.id) if (way := self._learnt(example))]
        self._ways = [way for _, way in found]
        self._decimals: Counter[str] = Counter()
        for way in self._ways:
            self._decimals[way.name] = max(self._decimals[way.name], _decimals(way.like))
        texts = [self._asked(example) for example, _ in found] or ["nothing"]
        self._terms: Any = vectorizer(texts, analyzer="char_wb", ngram_range=(2, 4))
        self._matrix = self._terms.fit_transform(texts)
        return self

    def _asked(self, example: Example) -> str:
        passage = self.kind.passage(example)
        return "\n".join(text for text in example.inputs.values() if text not in passage) or passage

    def _learnt(self, example: Example) -> Way | None:
        like = whole(example.target)
        numbers = quantities(self.kind.passage(example))[:FIRST]
        if like is None:
            return None
        for place, number in enumerate(numbers):
            same = (number.unit == "%") == (like.unit == "%")
            if same and self.kind.right(example, str(_as(_scaled(number, like), like))):
                return Way("", place, place, like)
        for name, first, second, value in _combined(numbers, like):
            if self.kind.right(example, str(_as(value, like))):
                return Way(name, first, second, like)
        return None

    def answer(self, example: Example) -> str | None:
        numbers = quantities(self.kind.passage(example))
        if not numbers:
            return None
        near = np.round((self._matrix @ self._terms.transform([self._asked(example)]).T).toarray()[:, 0], 9)
        for place in np.argsort(-near, kind="stable")[:TRIED] if self._ways else ():
            way = self._ways[place]
            if max(way.first, way.second) >= len(numbers):
                continue
            one, two = numbers[way.first], numbers[way.second]
            value = _done(way.name, one, two, way.like) if way.name else _scaled(one, way.like)
            if value is not None:
                said = value if not way.name else round(value, self._decimals[way.name])
                return str(Quantity(said, way.like.scale, _unit(way.like.unit, self.kind.passage(example))))
        return str(max(numbers, key=lambda each: each.value))


def _combined(numbers: Sequence[Quantity], like: Quantity) -> Iterator[tuple[str, int, int, Decimal]]:
    for name in OPERATIONS:
        # 110 less 100 is no 10 %.
        if (like.unit == "%") != (name in PERCENT):
            continue
        for first, one in enumerate(numbers):
            for second, two in enumerate(numbers):
                if first != second and (value := _done(name, one, two, like)) is not None:
                    yield name, first, second, value


def _scaled(number: Quantity, like: Quantity) -> Decimal:
    """A number in the scale of an answer. One that stands without a scale word has the answer's: a table's head says
    it once for all."""
    return number.number if number.scale == 1 else number.value / like.scale


def _done(name: str, one: Quantity, two: Quantity, like: Quantity) -> Decimal | None:
    """The operation on the numbers in the scale of an answer; None where it divides by zero."""
    a, b = _scaled(one, like), _scaled(two, like)
    return None if name in ("growth", "share", "ratio") and b == 0 else OPERATIONS[name](a, b)


def _as(value: Decimal, like: Quantity) -> Quantity:
    """``value`` with the scale, the unit and the decimals of another answer."""
    return Quantity(round(value, _decimals(like)), like.scale, like.unit)


def _decimals(like: Quantity) -> int:
    exponent = like.number.as_tuple().exponent
    assert isinstance(exponent, int)
    return max(0, -exponent)


def _unit(like: str, text: str) -> str:
    """The unit, or where that is a currency, the first that ``text`` names."""
    if like not in CURRENCIES:
        return like
    return next((name for name in re.findall(r"[A-Z]{3}", text) if name in CURRENCIES), like)
