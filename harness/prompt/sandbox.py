"""Where templates run: Jinja in a sandbox, with role tags, and with what makes long output or chance left out."""

from __future__ import annotations

import json
import re
import secrets
from typing import Any

import jinja2
from jinja2 import nodes
from jinja2.exceptions import SecurityError
from jinja2.ext import Extension
from jinja2.sandbox import ImmutableSandboxedEnvironment

MAX_INDENT = 8
ROLES = ("system", "user", "assistant")
# String methods and filters that make long output from short input; the sandbox has no bound of its own for them.
_GROWING = {"center", "ljust", "rjust", "zfill", "expandtabs", "format", "format_map", "join", "replace", "translate"}


class Roles(Extension):
    """``{% user %}…{% enduser %}`` and its siblings. The nonce keeps data from forging a message boundary."""

    tags = set(ROLES)  # noqa: RUF012 (Jinja declares it so)

    def __init__(self, environment: jinja2.Environment) -> None:
        super().__init__(environment)
        self.nonce = secrets.token_hex(16)

    def parse(self, parser: Any) -> nodes.Node:
        token = next(parser.stream)
        body = parser.parse_statements((f"name:end{token.value}",), drop_needle=True)
        call = self.call_method("_wrap", [nodes.Const(token.value)])
        return nodes.CallBlock(call, [], [], body).set_lineno(token.lineno)

    def _wrap(self, role: str, caller: Any) -> str:
        return f"\0{self.nonce}:{role}\0{caller().strip()}\0{self.nonce}:end\0"


class Sandbox(ImmutableSandboxedEnvironment):
    intercepted_binops = frozenset(["*", "**", "%"])

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        if not all(isinstance(x, (int, float)) and abs(x) < 1e6 for x in (left, right)) or operator == "**":
            raise SecurityError(f"operator {operator!r} works on numbers below a million only")
        return super().call_binop(context, operator, left, right)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        return not (isinstance(obj, str) and attr in _GROWING) and super().is_safe_attribute(obj, attr, value)


def environment() -> Sandbox:
    """A sandbox for one template: its role tags have a nonce of their own."""
    env = Sandbox(undefined=jinja2.StrictUndefined, extensions=[Roles], trim_blocks=True, lstrip_blocks=True)
    for name in ("center", "format", "indent", "wordwrap", "pprint", "xmlattr", "random"):
        del env.filters[name]
    del env.globals["lipsum"]  # like ``random`` it would make another prompt each time, and a long one
    env.filters["tojson"] = _json
    return env


def _json(value: Any, indent: int | None = None) -> str:
    """``value`` as JSON with every character as it is: a prompt is no HTML page, for which Jinja's filter writes."""
    if isinstance(value, jinja2.Undefined):
        str(value)  # raises the error that names it
    if indent is not None and not 0 <= indent <= MAX_INDENT:
        raise SecurityError(f"tojson indents by {MAX_INDENT} at most")
    return json.dumps(value, ensure_ascii=False, sort_keys=True, indent=indent)


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
