"""What of a template says nothing: separators, the case of field names, line ends, option marks. It is told apart in
the template's literal text alone, and can be written otherwise."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from harness.prompt.template import Template
from harness.sandbox import ROLES, Sandbox

_NAME = r"[^\W\d_](?:[\w /'-]{0,28}\w)?"
_SIGN = r"[ \t]*(?:::?|：|=>?|->)[ \t]*\n?"
_FIELD = re.compile(rf"(?P<name>{_NAME})(?P<sep>{_SIGN}|[ \t]+[-–][ \t]+)\Z")
_LAST = re.compile(rf"(?P<name>{_NAME})(?P<sep>[ \t]*(?:::?|：|=>?|->|-)[ \t]*)(?P<end>\s*)\Z")
_OPENED = re.compile(r"(?:\A|(?<=\n))\(?\Z")
_CLOSED = re.compile(r"[.):][ \t]+\Z")
_ANSWER = re.compile(r"\{\{-?\s*(\w+)\.answer\s*-?\}\}\Z")
_BLANK = re.compile(r"\n{2,}")


class Piece(NamedTuple):
    """A part of a template's body. ``kind`` is data, var or tag; or what is written otherwise: name, sep, last (a
    separator that the answer follows), open and close (marks of an option), gap (between fields), blank (lines)."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Format:
    """How a surface is written. None leaves what is there."""

    sep: str | None = None
    case: str | None = None
    gap: str | None = None
    blank: str | None = None
    marks: tuple[str, str] | None = None
    names: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        said = [f"{what} {value!r}" for what, value in (("separator", self.sep), ("between fields", self.gap)) if value]
        said += [f"names in {self.case}"] if self.case else []
        said += [f"{len(self.blank)} line end{'s' * (len(self.blank) > 1)} between examples"] if self.blank else []
        said += [f"options as {self.marks[0]}A{self.marks[1].rstrip()}"] if self.marks else []
        said += [f"{new} for {old}" for old, new in self.names]
        return ", ".join(said) or "as given"


class Surface:
    """The surface of ``template``. Jinja's lexer says what is literal text; nothing else is touched."""

    def __init__(self, template: Template) -> None:
        self.template = template
        whole = template.source.removeprefix("\ufeff").split("\n")
        self._header, body = whole[: template.first_line - 1], "\n".join(whole[template.first_line - 1 :])
        strips = template.settings.strip
        self.pieces = list(_marked(_gaps(_fields(list(_trimmed(_lexed(body), strips)), strips))))
        self._answered()

    @property
    def fields(self) -> Sequence[str]:
        """The names of fields that stand before a value or the answer, once each."""
        return list(dict.fromkeys(piece.text for piece in self.pieces if piece.kind == "name"))

    def has(self, kind: str) -> bool:
        """Whether there is such a piece."""
        return any(piece.kind == kind for piece in self.pieces)

    @property
    def literal(self) -> str:
        """The text that is left as it is."""
        return "\n".join(piece.text for piece in self.pieces if piece.kind == "data")

    def _prefix(self) -> str:
        said = self.template.settings.answer_prefix
        chat = any(re.match(rf"\{{%-?\s*(?:{'|'.join(ROLES)})\b", p.text) for p in self.pieces if p.kind == "tag")
        return said if said is not None else "" if chat else " "

    def _answered(self) -> None:
        """The field at the template's end, which the answer follows, is written as demonstrations write it. Where it is
        not so as given, it is left alone, with those of the demonstrations."""
        if not self.has("last"):
            return
        pieces, name = self.pieces, self.pieces[-2]
        whole = Piece("last", pieces[-1].text + self._prefix())
        places = [place for place, piece in enumerate(pieces) if piece == name]
        if {pieces[place + 1].text for place in places[:-1]} <= {whole.text}:
            pieces[-1] = whole
            return
        for place in places:
            pieces[place : place + 2] = [Piece("data", each.text) for each in pieces[place : place + 2]]

    def written(self, form: Format) -> Template:
        """The template in another format."""
        body, prefix = "", self._prefix()
        for kind, text in self.pieces:
            said = _said(kind, text, form)
            if kind == "last":
                prefix = said[len(said.rstrip()) :]
                said = said.rstrip() + "\n" * self.template.settings.strip
            body += said
        head, settings = self._header, self.template.settings
        if prefix != self._prefix():
            settings = settings.model_copy(update={"answer_prefix": prefix})
            given = {**self.template.settings.model_dump(mode="json", exclude_unset=True), "answer_prefix": prefix}
            head = ["---", *(f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in given.items()), "---"]
        source = "\n".join([*head, body])
        return replace(self.template, source=source, settings=settings, first_line=len(head) + 1)


def _said(kind: str, text: str, form: Format) -> str:
    """What stands for a piece."""
    if kind in ("sep", "last") and form.sep is not None:
        return form.sep
    if kind == "name":
        text = dict(form.names).get(text, text)
        return getattr(text, form.case)() if form.case else text
    if kind in ("open", "close") and form.marks:
        return form.marks[kind == "close"]
    found = {"gap": form.gap, "blank": form.blank}.get(kind)
    return text if found is None else found


def _lexed(body: str) -> Iterator[Piece]:
    """Literal text, expressions and tags, which give ``body`` when put together; a raw block is a tag."""
    held, kind = "", ""
    for _, name, text in Sandbox(exact=True).lex(body):
        if name == "data" and not kind:
            yield Piece("data", text)
            continue
        if not kind:
            kind = "var" if name == "variable_begin" else "raw" if name == "raw_begin" else "tag"
        held += text
        if name in ("variable_end", "raw_end", "block_end", "comment_end") and (kind != "raw" or name == "raw_end"):
            yield Piece("var" if kind == "var" else "tag", held)
            held, kind = "", ""
    if held:
        yield Piece("tag", held)


def _trimmed(pieces: Iterator[Piece], strips: bool) -> Iterator[Piece]:
    """A line end that Jinja takes away after a tag goes with the tag."""
    after = False
    for kind, text in pieces:
        taken = strips and kind == "data" and after and text.startswith("\n")
        if taken:
            yield Piece("tag", "\n")
        after = kind == "tag"
        if rest := text[taken:]:
            yield Piece(kind, rest)


def _fields(whole: Sequence[Piece], strips: bool) -> Iterator[Piece]:
    """``Field: `` before a value, and the one at the end, before the answer, as name and separator."""
    fresh = True  # a line begins here
    for place, (kind, text) in enumerate(whole):
        last = place == len(whole) - 1
        follows = not last and whole[place + 1].kind == "var"
        found = None
        if kind == "data" and (follows or last):
            found = (_FIELD if follows else _LAST).search(text)
            start = found.start() if found else 0
            if found and not (text[:start].endswith("\n") or (start == 0 and fresh)):
                found = None
            if found and last and not strips and found["end"]:
                found = None
        if found is None:
            yield Piece(kind, text)
        else:
            if found.start():
                yield Piece("data", text[: found.start()])
            yield Piece("name", found["name"])
            yield Piece("sep", found["sep"]) if follows else Piece("last", found["sep"].rstrip())
        fresh = text.endswith("\n") if kind != "tag" else _begins(text) or fresh


def _begins(tag: str) -> bool:
    """Whether a line begins after this tag in what is rendered: it is a role's, or its line ends."""
    return tag.endswith("\n") or bool(re.match(rf"\{{%-?\s*(?:{'|'.join(ROLES)})\b", tag))


def _gaps(pieces: Iterator[Piece]) -> Iterator[Piece]:
    """The line end between a value and the next field, and blank lines."""
    whole = list(pieces)
    for place, (kind, text) in enumerate(whole):
        before = whole[place - 1].kind if place else ""
        after = whole[place + 1].kind if place + 1 < len(whole) else ""
        if kind == "data" and text == "\n" and before == "var" and after == "name":
            yield Piece("gap", text)
        elif kind == "data":
            end = 0
            for found in _BLANK.finditer(text):
                yield from (Piece("data", t) for t in [text[end : found.start()]] if t)
                yield Piece("blank", found[0])
                end = found.end()
            yield from (Piece("data", t) for t in [text[end:]] if t)
        else:
            yield Piece(kind, text)


def _marked(pieces: Iterator[Piece]) -> Iterator[Piece]:
    """``A. ``, ``A) ``, ``(A) `` before what an option says."""
    whole = list(pieces)
    opened: dict[int, str] = {}
    closed: set[int] = set()
    for place in range(len(whole) - 2):
        mark = _ANSWER.match(whole[place].text) if whole[place].kind == "var" else None
        if mark and _CLOSED.match(whole[place + 1].text) and whole[place + 2].kind == "var":
            if not re.match(rf"\{{\{{-?\s*{mark[1]}\.", whole[place + 2].text):
                continue
            before = whole[place - 1] if place and whole[place - 1].kind == "data" else Piece("tag", "")
            found = _OPENED.search(before.text)
            if found:
                opened[place] = found[0]
                closed.add(place + 1)
    for place, (kind, text) in enumerate(whole):
        if place + 1 in opened and kind == "data":
            if rest := text.removesuffix(opened[place + 1]):
                yield Piece(kind, rest)
            yield Piece("open", opened[place + 1])
        elif place in opened:
            if not (place and whole[place - 1].kind == "data"):
                yield Piece("open", "")
            yield Piece(kind, text)
        else:
            yield Piece("close" if place in closed else kind, text)
