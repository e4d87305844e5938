"""The grammar of formats: what of a template's surface may be written otherwise, its meaning kept."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from itertools import islice

import numpy as np

from harness.prompt.surface import Format, Surface
from harness.prompt.template import Template

SEPARATORS = (": ", " - ", ":\n", "\n", "::", "\t", " = ")
CASES = ("upper", "lower", "title")
# Between fields, and between examples: there is always as much between examples as between fields.
SPACES = (("\n", "\n"), ("\n", "\n\n"), ("\n", "\n\n\n"), ("\n\n", "\n\n\n"), (" || ", "\n"), (" || ", "\n\n"))
MARKS = (("", ". "), ("", ") "), ("(", ") "))
# Names of fields that say the same of any text and of any answer. Where a name says more, it stays.
SYNONYMS = (("Text", "Input"), ("Label", "Answer", "Output"), ("Question", "Query"), ("文本", "输入"), ("答案", "输出"))
TRIES = 20  # draws for each format that is wanted: others may have been drawn before


def drawn(
    template: Template, most: int, draw: np.random.Generator, written: bool = False
) -> list[tuple[Format, Template]]:
    """Up to ``most`` formats of ``template`` that are not as given, all different, in the order drawn. An answer that
    is ``written`` by the model follows a visible separator: else the line would end before it begins."""
    return list(islice(_formats(Surface(template), draw, written, TRIES * most), most))


def _formats(
    surface: Surface, draw: np.random.Generator, written: bool, tries: int
) -> Iterator[tuple[Format, Template]]:
    """After Sclar et al. (2024), section 3.1: one separator for all fields, one case, one space between fields and one
    between examples."""
    separators = [sep for sep in SEPARATORS if not written or (sep.strip() and "\n" not in sep)]
    named = surface.has("name")
    options = [
        _each("sep", separators if named else ()),
        _each("case", CASES if named else ()),
        _spaces(surface),
        _each("marks", MARKS if surface.has("open") else ()),
        _each("names", _names(surface)),
    ]
    seen = {_body(surface.written(Format()))}
    for _ in range(min(tries, 4 * math.prod(map(len, options)))):
        chosen = [each[int(draw.integers(len(each)))] for each in options]
        form = Format(**{key: value for each in chosen for key, value in each.items()})  # type: ignore[arg-type]
        made = surface.written(form)
        if _body(made) not in seen:
            seen.add(_body(made))
            yield form, made


def _body(template: Template) -> tuple[str, str | None]:
    """What two formats differ by."""
    return "\n".join(template.source.split("\n")[template.first_line - 1 :]), template.settings.answer_prefix


def _each(key: str, values: Sequence[object]) -> list[dict[str, object]]:
    """As given, or one of ``values``."""
    return [{}, *({key: value} for value in values)]


def _spaces(surface: Surface) -> list[dict[str, object]]:
    """Line ends, or bars, where the template has what they stand for."""
    kept = [key for key in ("gap", "blank") if surface.has(key)]
    pairs = [dict(zip(("gap", "blank"), pair, strict=True)) for pair in SPACES]
    found: list[dict[str, object]] = [{key: pair[key] for key in kept} for pair in pairs]
    return [{}, *found]


def _names(surface: Surface) -> list[tuple[tuple[str, str], ...]]:
    """Other names of the fields, each of them alone, where the template speaks of them nowhere else, and no other field
    has the new one."""
    fields, words = {name.lower() for name in surface.fields}, set(re.findall(r"\w+", surface.literal.lower()))
    found: list[tuple[tuple[str, str], ...]] = []
    for name in surface.fields:
        for group in (group for group in SYNONYMS if name in group):
            free = [each for each in group if each.lower() not in fields | words]
            if name.lower() not in words:
                found += [((name, each),) for each in free]
    return found
