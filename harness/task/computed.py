"""Columns that are computed from a row's others, by Jinja in the sandbox that templates run in."""

from __future__ import annotations

import ast
from collections.abc import Container, Iterator, Mapping
from functools import cached_property
from typing import Any

import jinja2

from harness.errors import InputError
from harness.sandbox import Sandbox
from harness.task.source import Row


class Computed:
    """``said`` are the columns' names and the Jinja text of each, which sees the row's own columns as they are:
    numbers, lists and objects. White space stays as it is written. What comes out is text; in one of the columns
    ``lists``, text that is a list as Python or JSON writes it is that list."""

    def __init__(self, said: Mapping[str, str], lists: Container[str], where: str) -> None:
        self.said, self.lists, self.where = said, lists, where

    @cached_property
    def _compiled(self) -> Mapping[str, tuple[Sandbox, jinja2.Template]]:
        made = {}
        for name, text in self.said.items():
            sandbox = Sandbox(exact=True)
            try:
                made[name] = sandbox, sandbox.from_string(text)
            except Exception as error:  # Jinja passes on what Python says of the code that it writes
                raise InputError(f"{self.where}: column {name!r}: {_why(error)}.") from None
        return made

    def check(self) -> None:
        """Raises InputError for a column that is no Jinja."""
        _ = self._compiled

    def rows(self, rows: Iterator[Row]) -> Iterator[Row]:
        """Each row with its computed columns, which take the place of its own of the same name."""
        for where, row in rows:
            yield where, {**row, **self._of(row, where)}

    def _of(self, row: Mapping[str, Any], where: str) -> Mapping[str, Any]:
        made: dict[str, Any] = {}
        for name, (sandbox, template) in self._compiled.items():
            sandbox.meter.reset()
            try:
                text = template.render(row)
            except MemoryError:
                raise
            except Exception as error:  # whatever a stranger's expression makes Python say
                raise InputError(f"{where}: column {name!r} cannot be computed: {_why(error)}.") from None
            made[name] = listed(text) if name in self.lists else text
        return made


def listed(text: str) -> Any:
    """``text``, or the list that it writes."""
    if text[:1] != "[" or text[-1:] != "]":
        return text
    try:
        found = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text
    return found if isinstance(found, list) else text


def _why(error: Exception) -> str:
    said = str(error.msg if isinstance(error, SyntaxError) else error).strip().rstrip(".")
    return said if isinstance(error, jinja2.TemplateError) and said else f"{said} ({type(error).__name__})"
