"""TMX: units of a translation memory, each in several languages. Files of strangers: no document type is read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

from harness.bring.rows import Row, Table
from harness.bring.shapes.file import File
from harness.errors import InputError
from harness.task.jsons import WHOLE

LANG = "{http://www.w3.org/XML/1998/namespace}lang"
FORBIDDEN = ("<!DOCTYPE", "<!ENTITY")


def found(file: File) -> bool:
    """Whether its name says so, or its first element."""
    return file.suffix == ".tmx" or any("<tmx" in line for line in file.start[:5] if not file.is_json)


def read(file: File) -> Table:
    """A row a unit, with a column a language; the source's language is that of the header, else the first.

    Raises InputError for damaged XML, and for a document type: entities could stand for more than memory holds."""
    rows, times, source = list[Row](), Counter[str](), ""
    for number, (header, texts) in enumerate(_units(file), 1):
        source = source or header
        times.update(list(texts))
        rows.append(Row(number, f"{file.path}, unit {number}", texts))
    languages = [language for language, _ in times.most_common()]
    if len(languages) < 2:
        raise InputError(f"{file.path}: units in one language only ({', '.join(languages) or 'none'}); two are needed.")
    start = next((each for each in languages if each.lower() == source.lower()), languages[0])
    end = next(each for each in languages if each != start)
    said = [f"languages: {', '.join(f'{each} {times[each]}' for each in languages)}"]
    return Table(file.path, f"TMX, {file.source.encoding}", rows, "text", (start,), end, said=tuple(said))


def _units(file: File) -> Iterator[tuple[str, dict[str, str]]]:
    """The header's source language with the texts of each unit."""
    parser: ElementTree.XMLPullParser[Any] = ElementTree.XMLPullParser(("start", "end"))
    source, number, empty = "", 0, True
    try:
        for number, line in enumerate(file.source.lines(WHOLE), 1):
            if any(sign in line for sign in FORBIDDEN):
                raise InputError(
                    f"{file.path}, line {number}: a document type (<!DOCTYPE or <!ENTITY), which is not read in files "
                    "of strangers. TMX needs none: take the line out."
                )
            parser.feed(line)
            events: Iterator[tuple[str, ElementTree.Element]] = parser.read_events()  # type: ignore[assignment]
            for event, element in events:
                empty = False
                name = element.tag.rpartition("}")[2]
                if event == "start" and name == "header":
                    source = element.get("srclang", "")
                if event == "end" and name == "tu":
                    yield source, _texts(element)
                    element.clear()
        parser.close()
    except ElementTree.ParseError as error:
        raise InputError(f"{file.path}, line {number}: not valid XML: {error}.") from None
    if empty:
        raise InputError(f"{file.path}: holds no units.")


def _texts(unit: ElementTree.Element) -> dict[str, str]:
    """The unit's text in each language, without the marks of a layout in it."""
    made = dict[str, str]()
    for each in unit:
        language = each.get(LANG) or each.get("lang")
        segment = next((part for part in each if part.tag.rpartition("}")[2] == "seg"), None)
        text = "" if segment is None else " ".join("".join(_plain(segment)).split())
        if language and text:
            made.setdefault(language, text)
    return made


def _plain(segment: ElementTree.Element) -> Iterator[str]:
    """All text but that of inline codes, which hold the marks of another format."""
    yield segment.text or ""
    for each in segment:
        if each.tag.rpartition("}")[2] in ("hi", "sub"):
            yield from _plain(each)
        yield each.tail or ""
