"""Which item each answer of a file is for: by its id, else by its text."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence

from harness.bring.answers.said import Said, text
from harness.choice import normalised
from harness.errors import InputError, unknown
from harness.kinds import Kind
from harness.task.definition import Task
from harness.tokens import fold
from harness.types import Example, Recording

STRANGE = 0.1  # share of the answers up to which those to no item of the task are left out, and told
TEXTS = ("text", "input", "prompt", "question")
Form = tuple[str, ...]
SUM = 0.02  # how far from one the probabilities of the labels may sum to: files round them


def matched(found: Sequence[Said], task: Task, split: str, path: str) -> tuple[dict[str, Recording], tuple[str, ...]]:
    """The answer to each item of ``split`` that has one, and what is to be told of the others. Raises InputError where
    an item has two answers, where an answer's text is not that of its item, or where too many are to no item."""
    items: dict[str, list[Example]] = {name: list(task.examples(name)) for name in task.spec.splits}
    asked = {example.id: example for example in items[split]}
    known = {example.id for examples in items.values() for example in examples}
    named = sum(each.id is not None and str(each.id) in known for each in found)
    if 2 * named >= len(found):
        pairs, strange = _by_id(found, asked, known, task)
    else:
        pairs, strange = _by_text(found, items, split, task, path)
    if len(strange) > STRANGE * len(found):
        raise _foreign(strange, len(found), task, split, path)
    made: dict[str, Recording] = {}
    places: dict[str, Said] = {}
    for example, each in pairs:
        before = places.setdefault(example.id, each)
        if before is not each and before.answer != each.answer:
            raise InputError(
                f"{each.where}: item {example.id!r} has another answer here, {_short(each.answer)}, than "
                f"{_short(before.answer)} at {before.where}. Take one of them out."
            )
        made[example.id] = _recording(each, task.kind)
    told = []
    if strange:
        told.append(f"{path}: {len(strange):,} of {len(found):,} answers are to no item of {task.name!r}: left out.")
    return made, tuple(told)


def _by_id(
    found: Sequence[Said], asked: Mapping[str, Example], known: set[str], task: Task
) -> tuple[list[tuple[Example, Said]], list[Said]]:
    pairs, strange = [], []
    for each in found:
        example = asked.get(str(each.id))
        if example is None:
            strange += [] if str(each.id) in known else [each]
            continue
        said = _inputs(each, task)
        if said is not None and said != _form(example.inputs.values()):
            raise InputError(
                f"{each.where}: item {example.id!r} has another text here than in task {task.name!r}: "
                f"{_short(' '.join(said))}, not {_short(example.text)}. Is it the file of another task?"
            )
        pairs.append((example, each))
    return pairs, strange


def _by_text(
    found: Sequence[Said], items: Mapping[str, Sequence[Example]], split: str, task: Task, path: str
) -> tuple[list[tuple[Example, Said]], list[Said]]:
    """Items of one text have the answers to it in the file's order, where there are as many."""
    texts: dict[Form, list[Example]] = {}
    for example in items[split]:
        for form in {_form(example.inputs.values()), _form([example.text])}:
            texts.setdefault(form, []).append(example)
    others = {
        form
        for name, examples in items.items()
        for example in examples
        if name != split
        for form in (_form(example.inputs.values()), _form([example.text]))
    }
    groups: dict[Form, list[Said]] = {}
    strange: list[Said] = []
    for each in found:
        forms = list(_forms(each, task))
        known = [form for form in forms if form in texts]
        if known:
            groups.setdefault(known[0], []).append(each)
        elif not others.intersection(forms):
            strange.append(each)
    pairs: list[tuple[Example, Said]] = []
    for own, said in groups.items():
        alike = texts[own]
        if len(said) == len(alike):
            pairs += zip(alike, said, strict=True)
        elif all(each.answer == said[0].answer for each in said):
            pairs += [(example, said[0]) for example in alike]
        else:
            raise InputError(
                f"{said[1].where}: {len(said)} answers that differ to a text that {len(alike)} item"
                f"{'s have' if len(alike) > 1 else ' has'} ({alike[0].id!r}), and no id to tell them apart. Give "
                f"{path} the items' ids."
            )
    return pairs, strange


def _forms(each: Said, task: Task) -> Iterator[Form]:
    """What may be an item's text in a file."""
    own = _inputs(each, task)
    if own is not None:
        yield own
    for given in (each.text, *(each.row.get(name) for name in TEXTS)):
        if isinstance(given, str) and given.strip():
            yield _form([given])


def _inputs(each: Said, task: Task) -> Form | None:
    """The item's inputs as the file has them, under the columns' names or those that templates use; None where some are
    missing."""
    for names in (task.spec.inputs.values(), task.spec.inputs):
        if all(isinstance(each.row.get(name), str) for name in names):
            return _form(each.row[name] for name in names)
    return None


def _form(texts: Iterable[str]) -> Form:
    return tuple(fold(each) for each in texts)


def _foreign(strange: Sequence[Said], n: int, task: Task, split: str, path: str) -> InputError:
    first = strange[0]
    shown = f"id {str(first.id)!r}" if first.id is not None else "no id"
    has = next(iter(task.examples(split)))
    return InputError(
        f"{path}: {len(strange):,} of {n:,} answers are to no item of task {task.name!r}, the first at {first.where} "
        f"({shown}). Items are told by their id, such as {has.id!r}, or by their text in the column"
        f"{'s' if len(task.spec.inputs) > 1 else ''} {', '.join(task.spec.inputs.values())}. Is it the file of another "
        "task?"
    )


def _recording(each: Said, kind: Kind) -> Recording:
    answer = None if each.answer is None else text(each.answer)
    scores = None if each.scores is None or answer is None else _scores(each.scores, kind, each.where)
    return Recording(answer, scores, each.failure, each.spent)


def _scores(given: Mapping[str, float], kind: Kind, where: str) -> tuple[float, ...] | None:
    """The labels' log-probabilities, which sum to one, in their order: of log-probabilities, or of probabilities. None
    where answers are no labels."""
    labels = kind.outputs
    if not labels:
        return None
    words = kind.words(None, where)
    blank = Example("", {}, "")
    read = {kind.read(name, blank, words).output or name: value for name, value in given.items()}
    for name in read:
        if name not in labels:
            raise unknown("label with a score", name, labels, where)
    if missing := [label for label in labels if label not in read]:
        raise InputError(f"{where}: no score for the label {missing[0]!r}. Give every label one, or leave scores out.")
    row = [read[label] for label in labels]
    if all(value <= 0 for value in row):
        return normalised(row)
    if all(0 <= value <= 1 for value in row) and math.isclose(sum(row), 1, abs_tol=SUM):
        return normalised([math.log(value) if value else -math.inf for value in row])
    raise InputError(
        f"{where}: the labels' scores are neither log-probabilities (none above 0) nor probabilities (from 0 to 1, "
        f"with a sum of 1): {json.dumps(dict(zip(labels, row, strict=True)), ensure_ascii=False)[:120]}."
    )


def _short(answer: object) -> str:
    said = "none" if answer is None else text(answer)
    return repr(said if len(said) <= 60 else f"{said[:60]}…")
