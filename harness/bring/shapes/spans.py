"""Marked texts of any format as rows of one kind: spans in characters, each of a type."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.bring.rows import Row, Table, few
from harness.errors import InputError
from harness.kinds import values

CHARACTERS = "characters"


@dataclass(frozen=True, slots=True)
class Mention:
    """A span as a file has it; ``text`` is what the file says stands there, None where it does not say."""

    start: int
    end: int
    type: str
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Passage:
    """A text with its mentions: its number in the file, and where it stands there."""

    number: int
    where: str
    text: str
    mentions: Sequence[Mention]
    cluster: str | None = None


def mention(start: object, end: object, type_: object, where: str, text: object = None) -> Mention:
    """A mention of fields as files have them. Raises InputError for what is none."""
    first, last = values.place(start), values.place(end)
    if not isinstance(first, int) or not isinstance(last, int):
        raise InputError(f"{where}: the span {[start, end, type_]!r} needs whole numbers for start and end.")
    if not isinstance(type_, str) or not type_.strip():
        raise InputError(f"{where}: the span at {first} has no type. Give it a text, such as ORG.")
    named = values.text(type_, where, "type").strip()
    return Mention(first, last, named, text if isinstance(text, str) else None)


def passage_text(given: object, where: str) -> str:
    """The text that spans are in. Raises InputError where there is none."""
    if not isinstance(given, str):
        raise InputError(f"{where}: no text. Spans need the text that they are in.")
    return values.text(given, where, "text")


def table(path: Path, found: str, passages: Iterable[Passage], said: Sequence[str] = ()) -> Table:
    """The rows of ``passages``: a text and a list of ``[start, end, type]``. White space at the ends of a span is taken
    off, offsets that count otherwise than in characters are moved, and both are told.

    Raises InputError where a span does not stand on the text that the file says it does."""
    rows, types = list[Row](), dict[str, None]()
    trimmed = unsure = 0
    moved: dict[str, int] = {}
    for each in passages:
        unit, placed = _placed(each)
        if unit != CHARACTERS:
            moved[unit] = moved.get(unit, 0) + 1
        unsure += _unsure(each)
        spans = []
        for start, end, type_ in placed:
            first, last = _trimmed(each.text, start, end)
            trimmed += (first, last) != (start, end)
            spans.append([first, last, type_])
            types[type_] = None
        fields = {"text": each.text, "entities": sorted(spans)}
        rows.append(Row(each.number, each.where, fields | ({} if each.cluster is None else {"document": each.cluster})))
    told = [f"offsets of {count} texts count {unit}: moved to characters" for unit, count in moved.items()]
    if trimmed:
        told.append(f"took white space off the ends of {trimmed} spans")
    if unsure:
        told.append(
            f"{unsure} texts have signs such as emoji before a span, and the file does not say what the span reads: "
            "offsets are taken for characters, not for UTF-16 units"
        )
    if types:
        told.append(f"types: {few(sorted(types), 20)}")
    cluster = "document" if any("document" in row.fields for row in rows) else None
    return Table(path, found, rows, "entities", ("text",), "entities", cluster, said=(*said, *told))


def _placed(passage: Passage) -> tuple[str, list[tuple[int, int, str]]]:
    """The spans in characters, and what the file's offsets count: what makes every span read as the file says."""
    for unit, places in _units(passage.text):
        made = [_moved(each, places) for each in passage.mentions]
        if all(_reads(passage.text, span, each) for span, each in zip(made, passage.mentions, strict=True)):
            return unit, [(*span, each.type) for span, each in zip(made, passage.mentions, strict=True) if span]
    wrong = next(each for each in passage.mentions if not _reads(passage.text, (each.start, each.end), each))
    stands = passage.text[max(0, wrong.start) : max(0, wrong.end)]
    raise InputError(
        f"{passage.where}: the span [{wrong.start}, {wrong.end}] stands on {_short(stands)}, but the file says that it "
        f"reads {_short(str(wrong.text))}. Offsets count characters from 0; is it the text that was marked?"
    )


def _units(text: str) -> Iterator[tuple[str, Sequence[int] | None]]:
    """What offsets may count, and for each the place in ``text`` of every count; None where they are the places."""
    yield CHARACTERS, None
    if any(ord(each) > 0xFFFF for each in text):
        yield "UTF-16 units", _counts(text, [2 if ord(each) > 0xFFFF else 1 for each in text])
    if "\r\n" in text:
        yield "line ends as one", _counts(text, [0 if text[i : i + 2] == "\r\n" else 1 for i in range(len(text))])
    if not text.isascii():
        yield "bytes of UTF-8", _counts(text, [len(each.encode("utf-8", "surrogatepass")) for each in text])


def _counts(text: str, widths: Sequence[int]) -> list[int]:
    """The place of every count; -1 within a character."""
    places: list[int] = []
    for place, width in enumerate(widths):
        places += [place, *[-1] * (width - 1)] if width else []
    return [*places, len(text)]


def _moved(each: Mention, places: Sequence[int] | None) -> tuple[int, int] | None:
    if places is None:
        return each.start, each.end
    if not 0 <= each.start <= each.end < len(places) or -1 in (places[each.start], places[each.end]):
        return None
    return places[each.start], places[each.end]


def _reads(text: str, span: tuple[int, int] | None, each: Mention) -> bool:
    if span is None:
        return False
    if each.text is None:
        return True
    inside = 0 <= span[0] <= span[1] <= len(text)
    # Formats that are a mention a line have a blank in the place of a line end.
    return inside and text[span[0] : span[1]].split() == each.text.replace("\\n", " ").split()


def _unsure(passage: Passage) -> bool:
    silent = [each.end for each in passage.mentions if each.text is None]
    return bool(silent) and any(ord(each) > 0xFFFF for each in passage.text[: max(silent)])


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    if not 0 <= start < end <= len(text):
        return start, end  # the kind says what is wrong
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else f"{text[:40]}…")
