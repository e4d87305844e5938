"""Which columns of a table are what, by the names that data sets give them and by what they hold."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from harness.bring.rows import Table
from harness.kinds import values

LOOKED = 500  # rows that a guess is made from

TARGETS = (
    *("label", "labels", "category", "class", "intent", "sentiment", "relation", "answer", "answers", "answerKey"),
    *("correct_answer", "correct", "gold", "cop", "target", "summary", "highlights", "translation", "output"),
    *("response", "reply", "completion", "tags", "entities", "spans", "state"),
)
FREE = (  # columns of free text
    *("summary", "highlights", "translation", "output", "response", "reply", "completion", "reference", "references"),
)
CLASSES = ("label", "labels", "category", "class", "intent", "sentiment", "relation", "tags")  # columns of labels
PAIRS = (
    *(("premise", "hypothesis"), ("sentence1", "sentence2"), ("sentence_1", "sentence_2"), ("text1", "text2")),
    *(("text_a", "text_b"), ("sentence_a", "sentence_b"), ("question1", "question2"), ("question", "sentence")),
    *(("context", "question"), ("passage", "question"), ("query", "document"), ("query", "passage")),
)
TEXTS = (
    *("text", "sentence", "content", "review", "question", "query", "document", "dialogue", "article", "source"),
    *("input", "instruction", "utterance", "tweet", "comment", "message", "title", "body", "prompt"),
)
PASSAGES = ("context", "passage", "document", "text", "article", "paragraph")
CLUSTERS = (
    *("document", "document_id", "doc", "doc_id", "docid", "dialogue_id", "conversation_id", "chat_id", "article_id"),
    *("passage_id", "paragraph_id", "group", "group_id", "cluster", "thread_id", "patient_id", "filing"),
)
OPTIONS = ("options", "choices", "candidates", "endings")
# Columns of an option each, as data sets number them.
ROWS_OF_OPTIONS = (
    *(("A", "B", "C", "D", "E", "F"), ("a", "b", "c", "d", "e", "f"), ("opa", "opb", "opc", "opd")),
    *(("option_a", "option_b", "option_c", "option_d", "option_e"), ("option1", "option2", "option3", "option4")),
    *(("choice1", "choice2", "choice3", "choice4"), ("ending0", "ending1", "ending2", "ending3")),
    *(("ans0", "ans1", "ans2", "ans3"), ("sol1", "sol2")),
)


def value(given: Any) -> Any:
    """A field's value; the list or object that a text holds as JSON."""
    if hasattr(given, "tolist"):
        given = given.tolist()
    if isinstance(given, str) and given.lstrip()[:1] in ("[", "{"):
        try:
            found = json.loads(given)
        except (ValueError, RecursionError):
            return given
        return found if isinstance(found, list | dict) else given
    return given


def held(table: Table, column: str) -> list[Any]:
    """The values of ``column`` in the first rows that have one."""
    found = (value(row.fields.get(column)) for row in table.rows[:LOOKED])
    return [each for each in found if not values.missing(each) and each != ""]


def target(columns: Sequence[str], inputs: Sequence[str]) -> str | None:
    """The column of the answers: one of a known name, else the last of those that are no input where two are left."""
    known = first(TARGETS, [name for name in columns if name not in inputs])
    if known:
        return known
    rest = [name for name in columns if name not in inputs]
    return rest[0] if inputs and len(rest) == 1 else None


def repeated(table: Table, inputs: Sequence[str]) -> str | None:
    """The one column whose texts come again and again, three times each on average, as labels do."""
    found = {name: held(table, name) for name in table.columns if name not in inputs}
    texts = {name: set(each) for name, each in found.items() if each and all(isinstance(part, str) for part in each)}
    alike = [name for name, each in texts.items() if 2 <= len(each) <= len(found[name]) / 3]
    return alike[0] if len(alike) == 1 else None


def inputs(table: Table, taken: Iterable[str]) -> tuple[str, ...]:
    """The columns of what goes in: a pair of known names, one text of a known name, else the only column of text."""
    free = [name for name in table.columns if name not in set(taken)]
    if "text" in free:
        return ("text",)
    for pair in PAIRS:
        if set(pair) <= set(free):
            return pair
    if found := first(TEXTS, free):
        return (found,)
    texts = [name for name in free if _worded(held(table, name))]
    return (texts[0],) if len(texts) == 1 else ()


def first(names: Sequence[str], columns: Sequence[str]) -> str | None:
    """The first of ``names`` that is a column, whatever its case."""
    known = {column.casefold(): column for column in reversed(columns)}
    return next((known[name.casefold()] for name in names if name.casefold() in known), None)


def options(table: Table, inputs: Sequence[str] = ()) -> tuple[str, ...]:
    """The column that holds the options of an item, or those that hold one each."""
    free = [name for name in table.columns if name not in inputs]
    found = first(OPTIONS, free)
    if found and any(isinstance(each, list | Mapping) for each in held(table, found)):
        return (found,)
    for row in ROWS_OF_OPTIONS:
        known = [name for name in row if name in free]
        # A and B alone may be anything.
        if len(known) >= (3 if len(row[0]) == 1 else 2) and known == list(row[: len(known)]):
            return tuple(known)
    return ()


def cluster(table: Table, taken: Iterable[str]) -> str | None:
    """The column of documents, by its name, where documents have several rows and there are several of them."""
    name = first(CLUSTERS, [column for column in table.columns if column not in set(taken)])
    if name is None or any(name not in row.fields for row in table.rows):
        return None
    found = [row.fields[name] for row in table.rows]
    if any(isinstance(each, list | Mapping) or values.missing(each) or each == "" for each in found):
        return None
    return name if 3 <= len(set(map(str, found))) < len(found) else None


def _worded(found: Sequence[Any]) -> bool:
    """Whether a column holds texts of several words, or signs."""
    texts = [each for each in found if isinstance(each, str)]
    return bool(texts) and sum(len(each) > 8 for each in texts) > len(texts) / 2
