"""What filling in a template may cost: every step is counted as it is taken, so that none takes for ever or fills the
memory, and the same template passes or fails on every machine."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from functools import wraps
from typing import Any, TypeVar

import jinja2
from jinja2.exceptions import SecurityError
from jinja2.runtime import LoopContext

from harness.kinds import Label

STEPS = 1_000_000  # for one prompt: under a second on a slow core, and some 100 MB
LONGEST = 1_000_000  # characters of a text, entries of a list
DIGITS = 4096  # bits of a whole number
TOOL = 8  # steps of using a filter or a test at all
ENTRY = 4  # steps of making an entry of a list
CHARS = 8  # handled in a step
PRODUCT = 128  # pairs of characters that are compared in a step, where a search goes back and forth

Value = TypeVar("Value")

_WRITTEN = {str, int, float, bool, type(None), Label}
_SIZED: tuple[Any, ...] = (str, list, tuple, dict, range, type({}.keys()), type({}.values()), type({}.items()))
# Those that are shallow: see ``Meter.metered``.
FILTERS = frozenset(
    [
        *("attr", "batch", "count", "d", "default", "first", "items", "last", "length", "list", "map"),
        *("reject", "rejectattr", "reverse", "select", "selectattr", "slice"),
    ]
)
TESTS = frozenset(
    [
        *("boolean", "callable", "defined", "escaped", "false", "float", "integer", "iterable", "mapping"),
        *("none", "number", "sameas", "sequence", "string", "true", "undefined"),
    ]
)


def _joined(values: Any, d: Any = "", attribute: Any = None) -> int:
    return len(values) * len(str(d)) if hasattr(values, "__len__") else 0


def _replaced(text: Any, old: Any, new: Any, count: int | None = None) -> int:
    found = str(text).count(str(old))
    return len(str(text)) + (found if count is None else min(found, count)) * len(str(new))


def _indented(value: Any, indent: int | None = None) -> int:
    entries, deepest, level = 0, 0, [value]
    while indent and level:
        entries, deepest = entries + len(level), deepest + 1
        level = [
            entry
            for each in level
            if isinstance(each, (list, tuple, dict))
            for entry in (each.values() if isinstance(each, dict) else each)
        ]
    return entries * deepest * (indent or 0)


# The length of what a filter makes, where that may be far longer than what it is given.
_MAKES: Mapping[str, Callable[..., int]] = {"join": _joined, "replace": _replaced, "tojson": _indented}


class Meter:
    """Counts the steps of one template's environment. ``nodes`` is how many it has, what a call may take of them."""

    def __init__(self) -> None:
        self.left = STEPS
        self.nodes = 1

    def reset(self) -> None:
        """Begin a prompt."""
        self.left = STEPS

    def charge(self, steps: int) -> None:
        """Take ``steps`` off what is left. Raises SecurityError where that is too little."""
        self.left -= steps
        if self.left < 0:
            raise SecurityError(f"it takes more than {STEPS:,} steps to fill in: loops or texts grow too large")

    @property
    def filters(self) -> dict[str, Callable[..., Any]]:
        """What ``Counted`` writes into trees."""
        return {"loop ": self.loop, "weigh ": self.weigh, "concat ": self.concat, "add ": self.add, "made ": self.made}

    def loop(self, values: Any, size: int) -> Any:
        """The values that a loop goes over, each to be handled in ``size`` steps."""
        if hasattr(values, "__len__"):
            self.charge(1 + len(values) * size)
        return values

    def weigh(self, value: Value) -> Value:
        """``value``, for what looks at all of it: to compare it, or find it."""
        self.charge(self._weight(value, False))
        return value

    def shown(self, value: Any) -> Any:
        """``value``, where it is written as text. Raises SecurityError for what has no text of its own."""
        if type(value) not in _WRITTEN:
            self.charge(self._weight(value, True))
        return value

    def concat(self, values: Sequence[Any]) -> str:
        """The texts of ``values``, joined."""
        return self.join([str(self.shown(value)) for value in values])

    def join(self, pieces: Iterable[str]) -> str:
        """Pieces of text, joined."""
        pieces = list(pieces)
        self._made(sum(map(len, pieces)))
        return "".join(pieces)

    def add(self, left: Any, right: Any) -> Any:
        """``left + right``."""
        if hasattr(left, "__len__") and hasattr(right, "__len__"):
            self._made(len(left) + len(right))
        return self.made(left + right)

    def made(self, value: Any) -> Any:
        """``value``, which was just made. An iterator is a list from here on, so that its steps are counted once."""
        kind = type(value)
        if kind is str or isinstance(value, (str, list, tuple, dict)):
            self._made(len(value))
        elif isinstance(value, Iterator) and not isinstance(value, LoopContext):
            return list(map(self._step, value))
        elif kind is int:
            self._weight(value, False)
        return value

    def call(self, function: Any, args: Sequence[Any], named: Mapping[str, Any]) -> None:
        """Before ``function`` is called with these arguments."""
        own = getattr(function, "__self__", None)
        given = (*args, *named.values()) if named else args
        self.charge(self.nodes + self._work((own, *given) if isinstance(own, str) else given, False))
        if args and isinstance(function, LoopContext):
            self.loop(args[0], self.nodes)

    def metered(self, functions: Mapping[str, Any], shallow: Container[str]) -> dict[str, Any]:
        """Filters or tests, counted; those that are ``shallow`` look at no more of their first argument than what it
        is, or how long."""
        return {
            name: self._metered(function, name in shallow, _MAKES.get(name)) for name, function in functions.items()
        }

    def _metered(
        self, function: Callable[..., Any], shallow: bool, makes: Callable[..., int] | None
    ) -> Callable[..., Any]:
        skipped = 1 if hasattr(function, "jinja_pass_arg") else 0

        @wraps(function)
        def counted(*args: Any, **named: Any) -> Any:
            given = (*args[skipped:], *named.values())
            self.charge(TOOL + self._work((None, *given[1:]) if shallow else given, not shallow))
            if makes is not None:
                self._made(makes(*args[skipped:], **named))
            return self.made(function(*args, **named))

        return counted

    def _work(self, given: Sequence[Any], strict: bool) -> int:
        """The steps of handling the first of ``given`` with the others."""
        steps = 0
        for value in given:
            steps += self._weight(value, strict)
        for value in given[1:]:
            if isinstance(value, str) and isinstance(given[0], str):
                steps += len(given[0]) * len(value) // PRODUCT
            elif isinstance(value, int):  # such as the entries of a batch
                self._made(abs(value))
        return steps

    def _step(self, value: Value) -> Value:
        self.charge(ENTRY)
        return value

    def _made(self, length: int) -> None:
        if length > LONGEST:
            raise SecurityError(f"it makes a text or list longer than {LONGEST:,}")
        self.charge(1 + length // CHARS)

    def _weight(self, value: Any, strict: bool) -> int:
        """The steps of going through all of ``value``; what is in it several times counts as often. Where ``strict``,
        it is to be what has a text that says it, not where in memory it lies."""
        if type(value) is str and len(value) <= LONGEST:
            return 1 + len(value) // CHARS
        steps, waiting = 0, [value]
        while waiting and steps <= self.left:
            each = waiting.pop()
            steps += 1
            if isinstance(each, _SIZED):
                if len(each) > LONGEST:
                    raise SecurityError(f"it handles a text or list longer than {LONGEST:,}")
                steps += len(each) // CHARS if isinstance(each, str) else len(each)
                if steps <= self.left and not isinstance(each, (str, range)):
                    waiting.extend(each)
                    waiting.extend(each.values() if isinstance(each, dict) else ())
            elif isinstance(each, Label):
                waiting += (each.name, each.answer, each.description)
            elif isinstance(each, int) and each.bit_length() > DIGITS:
                raise SecurityError("it makes a number of over a thousand digits")
            elif strict and not isinstance(each, (int, float, jinja2.Undefined, type(None))):
                raise SecurityError(f"a {type(each).__name__} has no text; write what it holds")
        return steps
