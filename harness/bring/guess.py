"""What a table is a task of: its kind, its columns and its language, guessed where nobody says."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness import kinds
from harness.bring import columns
from harness.bring.rows import Asked, Table
from harness.bring.shapes import tables
from harness.errors import InputError, unknown
from harness.kinds import values

CHINESE, ENGLISH = "zh", "en"
NONE = "none"  # what --cluster says for no documents
_HAN, _KANA = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]"), re.compile(r"[\u3040-\u30ff]")
_LETTERS = re.compile(r"[^\W\d_]")
_NUMBER = re.compile(r"[-+]?[\d.,]+ ?%?")


@dataclass(frozen=True, slots=True)
class Plan:
    """What a table is read as. ``options`` are the columns of options, ``own`` what the format says of the kind."""

    kind: str
    inputs: tuple[str, ...]
    target: str
    cluster: str | None
    language: str
    options: tuple[str, ...] = ()
    own: Mapping[str, Any] = field(default_factory=dict)
    told: tuple[str, ...] = ()


def plan(table: Table, asked: Asked) -> Plan:
    """The plan for ``table``: what is asked for, else what its format says, else what its columns look like.

    Raises InputError for a column that is not there, or is two things, and for an unknown kind."""
    if asked.kind is not None and asked.kind not in kinds.KINDS:
        raise unknown("kind", asked.kind, kinds.KINDS)
    names = table.columns
    inputs = tables.named(asked.inputs, names)
    target = _target(table, asked, inputs)
    options = tables.named(asked.options, names) or (columns.options(table, inputs) if table.kind is None else ())
    options = tuple(name for name in options if name not in (*inputs, target))
    cluster = _cluster(table, asked, (*inputs, target))
    kind = asked.kind or table.kind or _kind(table, target, inputs, options)
    if kind != "choice":
        options = ()
    inputs = inputs or tuple(name for name in table.inputs if name != target)
    inputs = inputs or _asking(table, kind, (target, *options, cluster or ""))
    inputs = inputs or columns.inputs(table, (target, *options, cluster or "")) or ("text",)
    for name in (*inputs, *options):
        if name not in names:
            raise unknown("column", name, names, str(table.path))
    if target in inputs:
        raise InputError(f"column {target!r} is both an input and the label: the prompt would show the answer.")
    if kind == "choice" and not options:
        raise InputError(f"{table.path}: which columns hold the options? Say --options, one of: {', '.join(names)}.")
    found, told = _language(table, inputs)
    own = table.own if kind == table.kind else {}
    return Plan(kind, inputs, target, cluster, asked.language or found, options, own, () if asked.language else told)


def said(plan: Plan, table: Table) -> list[str]:
    """The guess, and the options that would change it."""
    parts = [f"kind {plan.kind}", f"input {', '.join(plan.inputs)}", f"target {plan.target}"]
    parts += [f"options {', '.join(plan.options)}"] if plan.options else []
    parts += [f"cluster {plan.cluster or NONE}", f"language {plan.language}"]
    return [
        f"taken for: {'; '.join(parts)}",
        f"to change that: --kind, --input, --target, {'--options, ' if plan.options else ''}--cluster, --language, "
        f"--format; columns: {', '.join(table.columns)}",
        *plan.told,
    ]


def _target(table: Table, asked: Asked, inputs: Sequence[str]) -> str:
    target = asked.target or table.target or columns.target(table.columns, inputs) or columns.repeated(table, inputs)
    if target is None:
        raise InputError(
            f"{table.path}: which column holds the right answers? Say --target, one of: {', '.join(table.columns)}."
        )
    if target not in table.columns:
        raise unknown("column", target, table.columns, str(table.path))
    return target


def _cluster(table: Table, asked: Asked, taken: Sequence[str]) -> str | None:
    if asked.cluster is None:
        return table.cluster if table.kind is not None else columns.cluster(table, taken)
    if asked.cluster in ("", NONE) and asked.cluster not in table.columns:
        return None
    if asked.cluster not in table.columns:
        raise unknown("column", asked.cluster, table.columns, str(table.path))
    return asked.cluster


def _kind(table: Table, target: str, inputs: Sequence[str], options: Sequence[str]) -> str:
    found = columns.held(table, target)
    if options and _answers(table, found, target, options):
        return "choice"
    objects = [each for each in found if isinstance(each, Mapping)]
    lists = [each for each in found if isinstance(each, list)]
    if objects and len(objects) == len(found):
        return "span" if all({"text", "answer_start"} <= each.keys() for each in objects) else "state"
    if lists and len(lists) == len(found):
        return _kind_of_lists(lists, target)
    texts = [str(each).strip() for each in found if not isinstance(each, list | Mapping)]
    distinct = len(set(texts))
    labels = columns.first(columns.CLASSES, [target]) is not None
    many = distinct > max(20, len(texts) / 2) and not labels
    if many and all(map(_NUMBER.fullmatch, texts)):
        return "number"
    if columns.first(columns.FREE, [target]) and 2 * distinct > len(texts):
        return "text"
    return "text" if many and sum(map(len, texts)) >= 40 * len(texts) else "classification"


def _kind_of_lists(lists: Sequence[Any], target: str) -> str:
    parts = [each for held in lists for each in held]
    if any(isinstance(each, list | Mapping) for each in parts):
        starts = all(isinstance(each, Mapping) and {"text", "start"} <= each.keys() for each in parts)
        return "span" if starts and not any("label" in each for each in parts) else "entities"
    if columns.first(columns.FREE, [target]):
        return "text"
    return "classification" if all(len(held) == 1 for held in lists) else "multilabel"


def _answers(table: Table, found: Sequence[Any], target: str, options: Sequence[str]) -> bool:
    """Whether nearly all targets are letters, numbers of options, or an option's text."""

    def fits(given: Any, fields: Mapping[str, Any]) -> bool:
        text = str(given).strip()
        if re.fullmatch(r"[A-Za-z]|\d{1,2}", text):
            return True
        return any(text in (each, *_texts(each)) for each in (columns.value(fields.get(name)) for name in options))

    rows = [row.fields for row in table.rows[: columns.LOOKED]]
    rows = [fields for fields in rows if not values.missing(fields.get(target)) and fields.get(target) != ""]
    return bool(found) and sum(fits(fields[target], fields) for fields in rows) > 0.9 * len(rows)


def _texts(held: Any) -> list[Any]:
    if isinstance(held, Mapping):
        held = held.get("text", list(held.values()))
    return list(held) if isinstance(held, list) else []


def _asking(table: Table, kind: str, taken: Sequence[str]) -> tuple[str, ...]:
    """Passage and question, for kinds that have both; of others nothing."""
    if kind not in ("span", "choice", "number"):
        return ()
    free = [name for name in table.columns if name not in taken]
    question = columns.first(("question", "query", "prompt"), free)
    passage = columns.first(columns.PASSAGES, [name for name in free if name != question])
    asked = tuple(name for name in (passage, question) if name)
    return asked if question else ()


def _language(table: Table, inputs: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """English or Chinese, or both, by the letters of the inputs; and what is told where it is neither."""
    rows = table.rows[: columns.LOOKED]
    texts = [" ".join(str(row.fields.get(name, "")) for name in inputs) for row in rows]
    han = sum(len(_HAN.findall(text)) > 0.2 * len(_LETTERS.findall(text)) for text in texts if _LETTERS.search(text))
    letters = "".join(texts)
    known = len(_HAN.findall(letters)) + len(re.findall("[A-Za-z]", letters))
    told: tuple[str, ...] = ()
    if known < 0.5 * len(_LETTERS.findall(letters)) or len(_KANA.findall(letters)) > 0.1 * max(1, known):
        told = ("the letters are neither English nor Chinese: say --language, and put the templates into it",)
    share = han / max(1, len(texts))
    if share >= 0.9:
        return CHINESE, told
    return (f"{ENGLISH}, {CHINESE}" if share >= 0.1 else ENGLISH), told
