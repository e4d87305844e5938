"""Where templates run: Jinja in a sandbox, with role tags, its steps counted, and what gives chance or no text left
out."""

from __future__ import annotations

import json
import re
from itertools import islice
from typing import Any

import jinja2
from jinja2 import nodes
from jinja2.exceptions import SecurityError
from jinja2.ext import Extension
from jinja2.filters import FILTERS
from jinja2.sandbox import ImmutableSandboxedEnvironment

from harness.kinds import Label
from harness.sandbox import meter
from harness.sandbox.counted import Counted, size
from harness.sandbox.meter import Meter

TOKENS = 20_000
MAX_INDENT = 8
MAX_DIGITS = 30
MARK = "\0role:"
ROLES = ("system", "user", "assistant")
# What a template may ask of Python's own values. Left out is what makes long text of short, and what is no text.
_METHODS: dict[type, frozenset[str]] = {
    str: frozenset(
        [
            *("capitalize", "casefold", "count", "endswith", "find", "index", "isalnum", "isalpha", "isascii"),
            *("isdecimal", "isdigit", "isidentifier", "islower", "isnumeric", "isprintable", "isspace", "istitle"),
            *("isupper", "lower", "lstrip", "partition", "removeprefix", "removesuffix", "rfind", "rindex"),
            *("rpartition", "rsplit", "rstrip", "split", "splitlines", "startswith", "strip", "swapcase", "title"),
            "upper",
        ]
    ),
    dict: frozenset(["get", "items", "keys", "values"]),
    list: frozenset(["count", "index"]),
    tuple: frozenset(["count", "index", "grouper", "list"]),
    int: frozenset(),
    float: frozenset(["is_integer"]),
    Label: frozenset(["name", "answer", "description"]),
}
_FORBIDDEN_FILTERS = ("center", "format", "indent", "pprint", "random", "urlize", "wordwrap", "xmlattr")


def methods(kind: type) -> frozenset[str]:
    """What a template may call of a value of ``kind``."""
    return _METHODS[kind]


class Roles(Extension):
    """``{% user %}…{% enduser %}`` and its siblings, marked by null bytes: no data that a template is given has any."""

    tags = set(ROLES)  # noqa: RUF012 (Jinja declares it so)

    def parse(self, parser: Any) -> nodes.Node:
        token = next(parser.stream)
        body = parser.parse_statements((f"name:end{token.value}",), drop_needle=True)
        begin, end = (_text(f"{MARK}{sign}\0") for sign in (token.value, "end"))
        return nodes.Scope([begin, *body, end]).set_lineno(token.lineno)


def _text(text: str) -> nodes.Node:
    return nodes.Output([nodes.TemplateData(text)])


class Sandbox(ImmutableSandboxedEnvironment):
    """One template's environment: its ``meter`` counts. With ``exact`` every line end and blank beside a block stays,
    as Jinja leaves them by default."""

    intercepted_binops = frozenset(["-", "*", "/", "//", "%", "**"])

    def __init__(self, exact: bool = False) -> None:
        self.meter = Meter()
        super().__init__(
            undefined=jinja2.StrictUndefined,
            extensions=[Roles],
            trim_blocks=not exact,
            lstrip_blocks=not exact,
            keep_trailing_newline=exact,
            optimized=False,
            finalize=self.meter.shown,
        )
        for name in _FORBIDDEN_FILTERS:
            del self.filters[name]
        del self.globals["lipsum"]  # like ``random`` it would make another prompt each time, and a long one
        self.filters |= {"tojson": _json, "sum": _sum, "round": _round}
        self.filters = self.meter.metered(self.filters, meter.FILTERS) | self.meter.filters
        self.tests = self.meter.metered(self.tests, meter.TESTS)
        self.concat = self.meter.join  # type: ignore[method-assign]

    def compile(self, source: Any, *args: Any, **named: Any) -> Any:
        """Jinja's, of a tree in which the steps are counted."""
        if isinstance(source, str):
            self.meter.reset()
            if sum(1 for _ in islice(self.lex(source), TOKENS + 1)) > TOKENS:
                raise SecurityError(f"it is written in more than {TOKENS:,} words and signs")
            tree = self.parse(source)
            self.meter.nodes = size(tree)
            source = Counted().visit(tree)
        return super().compile(source, *args, **named)

    def call(__self, __context: Any, __obj: Any, *args: Any, **named: Any) -> Any:
        __self.meter.call(__obj, args, named)
        return __self.meter.made(super().call(__context, __obj, *args, **named))

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        if not all(isinstance(x, (int, float)) and abs(x) < 1e6 for x in (left, right)) or operator == "**":
            raise SecurityError(f"operator {operator!r} works on numbers below a million only")
        return super().call_binop(context, operator, left, right)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        for kind in type(obj).__mro__:
            if kind in _METHODS:
                return attr in _METHODS[kind]
        return super().is_safe_attribute(obj, attr, value)

    def wrap_str_format(self, value: Any) -> None:
        """Formatting is no method for a template: see ``is_safe_attribute``."""


def _json(value: Any, indent: int | None = None) -> str:
    """``value`` as JSON with every character as it is: a prompt is no HTML page, for which Jinja's filter writes."""
    if isinstance(value, jinja2.Undefined):
        str(value)  # raises the error that names it
    if indent is not None and not 0 <= indent <= MAX_INDENT:
        raise SecurityError(f"tojson indents by {MAX_INDENT} at most")
    return json.dumps(value, ensure_ascii=False, sort_keys=True, indent=indent)


@jinja2.pass_environment
def _sum(env: Any, values: Any, attribute: Any = None, start: Any = 0) -> Any:
    """Jinja's, of numbers: lists would be copied again and again."""
    if not isinstance(start, (int, float)):
        raise SecurityError("sum adds numbers")
    return FILTERS["sum"](env, values, attribute, start)


def _round(value: Any, precision: int = 0, method: Any = "common") -> Any:
    """Jinja's, within the digits that a number has."""
    if not -MAX_DIGITS <= precision <= MAX_DIGITS:
        raise SecurityError(f"round keeps {MAX_DIGITS} digits at most")
    return FILTERS["round"](value, precision, method)


def line_of(error: BaseException) -> int | None:
    """The template line in the traceback: Jinja rewrites it to point into ``<template>``."""
    line, trace = None, error.__traceback__
    while trace:
        if trace.tb_frame.f_code.co_filename == "<template>":
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


def written_line(error: Exception, env: Sandbox, body: str) -> int | None:
    """The template line of an error from compiling: Jinja's own have it, Python's have that of the code written."""
    if isinstance(error, jinja2.TemplateSyntaxError):
        return error.lineno
    if not isinstance(error, SyntaxError) or error.lineno is None:
        return None
    # The code ends with pairs of lines, template=code, in the code's order.
    pairs = re.findall(r"(\d+)=(\d+)", env.compile(body, raw=True).rstrip().rsplit("\n", 1)[-1])
    return max((int(line) for line, code in pairs if int(code) <= error.lineno), default=None)
