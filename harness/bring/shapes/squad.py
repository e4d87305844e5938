"""SQuAD's JSON: articles with paragraphs, each with its questions and where the answers begin."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from harness.bring.rows import Row, Table
from harness.bring.shapes.file import File
from harness.errors import InputError
from harness.kinds import values

ARTICLES = 10  # from so many on, an article is one document; else each paragraph is


def found(file: File) -> bool:
    """Whether the document has articles with paragraphs under ``data``."""
    held = file.document.get("data") if isinstance(file.document, Mapping) else None
    return isinstance(held, list) and any(isinstance(each, Mapping) and "paragraphs" in each for each in held)


def read(file: File) -> Table:
    """A row a question; one that is impossible has no answer. Starts that count UTF-16 units are moved, and told.

    Raises InputError for a part that is missing, or is of another sort."""
    rows, moved = list[Row](), 0
    articles = 0
    for title, paragraph, where, context, question in _questions(file):
        articles = max(articles, title)
        asked = question.get("question")
        if not isinstance(asked, str) or not asked.strip():
            raise InputError(f"{where}: no question.")
        impossible = str(question.get("is_impossible", "")).lower() == "true"
        answers = [] if impossible else _list(question, "answers", where)
        made = [_answer(each, context, f"{where}, question {asked[:40]!r}") for each in answers]
        moved += any(each["start"] != given for each, (given, _) in zip(made, map(_said, answers), strict=True))
        fields = {
            "passage": context,
            "question": asked,
            "answers": made,
            "article": f"article-{title}",
            "paragraph": f"paragraph-{paragraph}",
        }
        rows.append(Row(len(rows) + 1, where, fields))
    said = [f"answers of {moved} questions started by UTF-16 units: moved to characters"] if moved else []
    none = sum(not row.fields["answers"] for row in rows)
    found = f"SQuAD, {file.source.encoding}"
    said += [f"{none} questions have no answer"] if none else []
    cluster = "article" if articles >= ARTICLES else "paragraph"
    return Table(file.path, found, rows, "span", ("passage", "question"), "answers", cluster, said=tuple(said))


def _questions(file: File) -> Iterator[tuple[int, int, str, str, Mapping[str, Any]]]:
    """Number of article and of paragraph, where it is, the passage, and the question."""
    paragraphs = 0
    for title, article in enumerate(_list(file.document, "data", str(file.path)), 1):
        place = f"{file.path}, article {title}"
        for number, paragraph in enumerate(_list(article, "paragraphs", place), 1):
            paragraphs += 1
            where = f"{place}, paragraph {number}"
            questions = _list(paragraph, "qas", where)
            context = paragraph.get("context")
            if not isinstance(context, str) or not context.strip():
                raise InputError(f"{where}: no context. Give the passage that the questions are about.")
            for question in questions:
                if not isinstance(question, Mapping):
                    raise InputError(f"{where}: a question that is no object.")
                yield title, paragraphs, where, context, question


def _list(held: Any, name: str, where: str) -> list[Any]:
    found = held.get(name) if isinstance(held, Mapping) else None
    if not isinstance(found, list):
        raise InputError(f"{where}: field {name!r} is no list.")
    return found


def _said(answer: Any) -> tuple[object, object]:
    given = answer if isinstance(answer, Mapping) else {}
    return values.place(given.get("answer_start")), given.get("text")


def _answer(given: Any, context: str, where: str) -> dict[str, Any]:
    """An answer whose start counts characters. Raises InputError where the passage has something else there."""
    start, text = _said(given)
    if not isinstance(text, str) or not text.strip() or not isinstance(start, int):
        raise InputError(f"{where}: the answer {given!r} needs a text, and answer_start as a whole number.")
    places = (
        start,
        len(context.encode("utf-16-le", "surrogatepass")[: 2 * max(start, 0)].decode("utf-16-le", "ignore")),
    )
    right = next((place for place in places if place >= 0 and context.startswith(text, place)), None)
    if right is None:
        stands = context[max(start, 0) : max(start, 0) + len(text)]
        raise InputError(
            f"{where}: the answer {text[:40]!r} does not start at {start}, where the passage has {stands[:40]!r}. "
            "Starts count characters from 0."
        )
    return {"start": right, "text": text}
