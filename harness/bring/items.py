"""The rows of a table as items of a kind: those that have an answer, checked as a run will check them."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from harness import kinds
from harness.bring import columns, project
from harness.bring.guess import CHINESE, Plan
from harness.bring.rows import Row, Table, few
from harness.errors import InputError, unknown
from harness.kinds import Kind, values
from harness.kinds.lists import listed
from harness.tokens import fold
from harness.types import Example

LABELLED = ("classification", "multilabel")


@dataclass(frozen=True, slots=True)
class Item:
    """One row as it will be written, and as a run will see it."""

    number: int
    fields: Mapping[str, Any]
    example: Example


def answered(table: Table, plan: Plan) -> tuple[list[Row], list[str]]:
    """The rows that have an answer, with no columns but those of ``plan``, and what there is to tell of the others.
    Raises InputError for a column that is missing, and for a field that is none of the kind."""
    rows, without, spaced = list[Row](), list[int](), 0
    for row in table.rows:
        for column in plan.inputs:
            if column not in row.fields:
                raise unknown("column", column, row.fields, row.where if row.number > 1 else str(table.path))
        given = _target(row.fields.get(plan.target), plan, row)
        if given is None:
            without.append(row.number)
            continue
        spaced += isinstance(given, str) and given != given.strip()
        fields = _fields(row, plan) | {plan.target: given.strip() if isinstance(given, str) else given}
        rows.append(Row(row.number, row.where, fields))
    if plan.target not in table.columns:
        raise unknown("column", plan.target, table.columns, str(table.path))
    what = "label" if plan.kind in LABELLED else "answer"
    if not rows:
        raise InputError(f"{table.path}: no row has {_a(what)} {what} in column {plan.target!r}.")
    rows = _settled(rows, plan)
    said = [f"read {table.path} ({table.found}): {len(table.rows)} rows"]
    if without:
        said.append(f"left out {len(without)} of them, which have no {what} (rows {few(without)})")
    if spaced:
        said.append(f"took spaces off the ends of {spaced} {what}s")
    return rows, said


def _settled(rows: Sequence[Row], plan: Plan) -> list[Row]:
    """``rows`` with each answer of a choice such that it names one option only. Where all answers are letters, or all
    numbers, they are so throughout, else options' texts; one that could be read otherwise is written otherwise."""
    if plan.kind != "choice":
        return list(rows)
    given = [str(row.fields[plan.target]) for row in rows]
    letters, numbers = (all(re.fullmatch(form, each) for each in given) for form in ("[A-Za-z]", r"\d{1,2}"))
    first = 0 if numbers and "0" in given else 1
    made = []
    for row, each in zip(rows, given, strict=True):
        options = row.fields[_offered(plan)]
        if each in options and re.fullmatch(r"[A-Za-z]|\d{1,2}", each):
            place = int(each) - first if numbers else options.index(each)
            place = string.ascii_uppercase.index(each.upper()) if letters else place
            forms = (string.ascii_uppercase[place % 26], str(place + first))
            plain = next((form for form in forms if form not in options), each)
            made.append(Row(row.number, row.where, {**row.fields, plan.target: plain}))
        else:
            made.append(row)
    return made


def _a(what: str) -> str:
    return "an" if what[0] in "aeiou" else "a"


def _target(given: Any, plan: Plan, row: Row) -> Any:
    """The answer of ``row`` as it will be written; None where there is none."""
    if values.missing(given) or (isinstance(given, str) and not given.strip()):
        return None
    held = columns.value(given)
    if plan.kind == "multilabel":
        return [values.text(each, row.where, plan.target).strip() for each in listed(given, row.where, plan.target)]
    if plan.kind == "entities":
        return [_span(each) for each in listed(given, row.where, plan.target)]
    if plan.kind in ("span", "state", "text"):
        return held if isinstance(held, list | Mapping) else values.text(given, row.where, plan.target)
    if plan.kind == "classification" and isinstance(held, list) and len(held) == 1:
        held = held[0]
        return None if values.missing(held) else values.text(held, row.where, plan.target)
    return values.text(given, row.where, plan.target)


def _span(each: Any) -> Any:
    """A span with whole numbers; readers leave numbers as they are written."""
    if isinstance(each, Mapping):
        each = [each.get("start"), each.get("end"), each.get("label", each.get("type"))]
    if not isinstance(each, list | tuple) or len(each) != 3:
        return each
    return [values.place(each[0]), values.place(each[1]), each[2]]


def _fields(row: Row, plan: Plan) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for column in plan.inputs:
        text = values.text(row.fields[column], row.where, column)
        # Offsets count from the first character, white or not.
        made[column] = text if plan.kind in ("entities", "span") else text.strip()
    if plan.cluster is not None:
        made[plan.cluster] = values.text(row.fields.get(plan.cluster), row.where, plan.cluster)
    if plan.options:
        made[_offered(plan)] = _options(row, plan)
    return made


def _offered(plan: Plan) -> str:
    """The column that options are written to."""
    return project.free("options", (*plan.inputs, plan.target, plan.cluster or ""))


def _options(row: Row, plan: Plan) -> list[str]:
    """The texts that the item offers: those of a list, of an object of letters, or of the columns."""
    if len(plan.options) == 1:
        name = plan.options[0]
        held = columns.value(row.fields.get(name))
        if isinstance(held, Mapping):
            held = held["text"] if isinstance(held.get("text"), list) else [held[key] for key in sorted(held)]
        return [values.text(each, row.where, name).strip() for each in listed(held, row.where, name)]
    given = [(name, row.fields.get(name)) for name in plan.options]
    texts = ["" if values.missing(each) else values.text(each, row.where, name).strip() for name, each in given]
    while len(texts) > 2 and not texts[-1]:
        texts.pop()  # as where some items have fewer
    return texts


def kind(rows: Sequence[Row], plan: Plan, table: Table) -> tuple[Kind, dict[str, Any]]:
    """The kind that fits ``rows``, and the fields that task.yaml says it in. Raises InputError where none does."""
    named = {column: name for name, column in project.names(plan.inputs).items()}
    targets = [row.fields[plan.target] for row in rows]
    own = dict(plan.own)
    if plan.kind in LABELLED and len(found := sorted(set(_labels(targets)))) < 2:
        raise InputError(
            f"{table.path}: column {plan.target!r} holds {'one label only' if found else 'no label'} "
            f"({', '.join(found)}); two are the least."
        )
    if plan.kind in LABELLED:
        own["labels"] = dict.fromkeys(sorted(set(_labels(targets))), "")
    elif plan.kind == "entities":
        types = {str(each[2]) for spans in targets for each in spans if isinstance(each, list) and len(each) == 3}
        if not types:
            raise InputError(f"{table.path}: no row has a span in column {plan.target!r}.")
        own["labels"] = dict.fromkeys(sorted(types), "")
    elif plan.kind == "state" and "slots" not in own:
        slots = [slot for held in targets if isinstance(held, Mapping) for slot in held]
        own["slots"] = dict.fromkeys((values.text(slot, str(table.path), plan.target) for slot in slots), "")
    elif plan.kind == "choice":
        numbers = all(re.fullmatch(r"[A-Z]|\d+", str(each)) for each in targets)
        own |= {"options": _offered(plan)} | ({"first": "0"} if numbers and "0" in targets else {})
    elif plan.kind == "text" and plan.target.lower().startswith(CHINESE):
        own["tokenize"] = "zh"
    if plan.kind in ("entities", "span") and len(plan.inputs) > 1:
        known = columns.first(columns.PASSAGES, plan.inputs) or plan.inputs[0]
        own["context"] = named[known]
    if plan.kind == "span" and plan.language == CHINESE:
        own["by"] = "characters"
    try:
        return kinds.find(plan.kind).model_validate(own), own
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise InputError(f"{table.path}: no {plan.kind} can be made of it: {where}: {first['msg']}.") from None


def _labels(targets: Iterable[Any]) -> list[str]:
    return [each for held in targets for each in (held if isinstance(held, list) else [held])]


def checked(rows: Iterable[Row], plan: Plan, kind: Kind) -> list[Item]:
    """The items of ``rows``. Raises InputError for an answer that is none of the kind's, with where it stands."""
    named = project.names(plan.inputs)
    made = []
    for row in rows:
        inputs = {name: str(row.fields[column]) for name, column in named.items()}
        target = kind.target(row.fields, plan.target, inputs, row.where)
        options = kind.offered(row.fields, row.where)
        cluster = row.fields[plan.cluster] if plan.cluster else None
        made.append(Item(row.number, row.fields, Example(str(row.number), inputs, target, cluster, options=options)))
    return made


def told(rows: Sequence[Row], plan: Plan, table: Table) -> list[str]:
    """The labels with their counts, and what is odd about them."""
    if plan.kind not in LABELLED:
        return []
    counts = Counter(_labels(row.fields[plan.target] for row in rows))
    said = [f"labels: {few([f'{label} {count}' for label, count in counts.most_common()], 20)}"]
    alike: dict[str, list[str]] = {}
    for label in counts:
        alike.setdefault(fold(label), []).append(label)
    for group in (sorted(group) for group in alike.values() if len(group) > 1):
        shown = " beside ".join(f"{label!r} ({counts[label]})" for label in group)
        said.append(f"{shown}: they differ in case or spacing only, and stay labels of their own")
    if len(counts) > max(10, len(rows) / 2):
        said.append(f"{len(counts)} labels for {len(rows)} rows of {table.path}: is that the label's column?")
    return said


def unread(items: Sequence[Item], kind: Kind, name: str) -> list[str]:
    """How many answers a template would show in a way that is read back as another."""
    words = kind.words(None, name)
    shown = [(item.example, kind.shown(item.example, words)) for item in items]
    lost = sum(kind.right(example, kind.read(text, example, words).output) != 1 for example, text in shown)
    mend = "; `verbalizer: marks` in a template shows them whole" if kind.name == "entities" else ""
    return [f"{lost} answers as templates show them are read back as others{mend}"] if lost else []


def longest(items: Sequence[Item], kind: Kind, name: str) -> int:
    """Tokens that the longest answer takes, generously: half as many as it has bytes."""
    words = kind.words(None, name)
    most = max((len(kind.shown(item.example, words).encode()) for item in items), default=0)
    return min(1024, 16 * -(-(most // 2 + 8) // 16))
