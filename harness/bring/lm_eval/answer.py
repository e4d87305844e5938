"""What an item's answer is: choices and target of another harness as a kind with its columns."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.bring.lm_eval.definition import Definition
from harness.bring.lm_eval.measure import CHOSEN
from harness.bring.lm_eval.question import check, is_name, jinja
from harness.bring.lm_eval.refusal import Refusal
from harness.errors import InputError
from harness.kinds.words import check as apart

GOLD, OFFERED = "gold", "offered"
_ONE = re.compile(r"\{\{(?P<expression>(?:(?!\{\{|\}\}|\{%).)*)\}\}", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Answering:
    """``kind`` with its ``fields`` in task.yaml, the column of the ``target``, and the ``columns`` to be computed."""

    kind: str
    target: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)
    empty: bool = False  # whether an answer may be an empty text


def answering(task: Definition) -> Answering:
    """What the task's answers are here. Raises Refusal where choices or target have no counterpart."""
    for text in (task.target, task.choices):
        if isinstance(text, str):
            check(jinja(text), task.where)
    if task.output != CHOSEN:
        return _written(task)
    if isinstance(task.choices, str):
        return _own(task, task.choices)
    assert task.choices is not None
    return _fixed(task, task.choices)


def _fixed(task: Definition, choices: Sequence[str]) -> Answering:
    """The same choices for every item: labels, or where no labels can be called so, options."""
    if len(choices) < 2:
        raise Refusal(task.where, "fields", "`doc_to_choice` names fewer than two choices.")
    try:
        apart(dict(zip(choices, choices, strict=True)), "")
        plain = len(set(choices)) == len(choices) and all(each == each.strip() != "" for each in choices)
    except InputError:
        plain = False
    if plain:
        return Answering("classification", GOLD, {"labels": dict.fromkeys(choices, "")}, {GOLD: _picked(task, choices)})
    return _own(task, _python(choices))


def _own(task: Definition, choices: str) -> Answering:
    """Choices of each item's own. ``choices`` is a column, or Jinja that writes a list."""
    if len(task.measure.metrics) > 1 or task.measure.metrics[0] != "accuracy":
        raise Refusal(task.where, "metric", f"{task.measure.metrics[0]} is over labels, and items have their own here.")
    one = _ONE.fullmatch(choices.strip())
    listed = choices if is_name(choices) else f"({one['expression'].strip()})" if one else ""
    if not listed and choices.startswith("[") and "{" not in choices:
        listed = choices
    columns = {} if is_name(choices) else {OFFERED: choices}
    fields = {"options": choices if is_name(choices) else OFFERED, "first": 0, "stated": "number"}
    target = task.target
    if isinstance(target, int) or target.isdigit():
        return Answering("choice", GOLD, fields, {**columns, GOLD: str(int(target))})
    if not listed:
        raise Refusal(task.where, "jinja", "`doc_to_choice` writes its list in parts, so no place is found in it.")
    if is_name(target):
        gold = f"{{{{ {target}|int if {target} is number else {listed}.index({target}) }}}}"
    else:
        gold = f"{_said(target)}{{{{ said if said.isdigit() else {listed}.index(said) }}}}"
    return Answering("choice", GOLD, fields, {**columns, GOLD: gold})


def _written(task: Definition) -> Answering:
    """An answer that is written: a text held against a reference."""
    kind = "exact" if task.measure.exact else "text"
    fields = {**task.measure.fields, "multiline": True}
    fields |= {"verbatim": True} if kind == "text" else {}
    target = task.target
    if isinstance(task.choices, str):
        raise Refusal(task.where, "fields", "a written answer to choices of each item's own is not read.")
    if task.choices is not None:
        return Answering(kind, GOLD, fields, {GOLD: _picked(task, task.choices)}, kind == "exact")
    if isinstance(target, str) and is_name(target):
        return Answering(kind, target, fields, {}, kind == "exact")
    return Answering(kind, GOLD, fields, {GOLD: str(target)}, kind == "exact")


def _picked(task: Definition, choices: Sequence[str]) -> str:
    """Jinja that writes the right one of ``choices``: a target that is a number is its place."""
    target, listed = task.target, _python(choices)
    if isinstance(target, int) or target.isdigit():
        if int(target) >= len(choices):
            raise Refusal(task.where, "fields", f"`doc_to_target` is {target}, but there are {len(choices)} choices.")
        return f"{{{{ {json.dumps(choices[int(target)], ensure_ascii=False)} }}}}"
    if is_name(target):
        return f"{{{{ {listed}[{target}|int] if {target} is number and {target} >= 0 else {target} }}}}"
    return f"{_said(target)}{{{{ {listed}[said|int] if said.isdigit() else said }}}}"


def _said(target: str) -> str:
    return f"{{% set said %}}{target}{{% endset %}}"


def _python(texts: Sequence[str]) -> str:
    """A list of texts, as Python, Jinja and JSON alike write it."""
    return json.dumps(list(texts), ensure_ascii=False)
