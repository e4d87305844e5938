"""CoNLL's columns: a token a line, its tag in the last column, a blank line between sentences."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.bring.rows import Table
from harness.bring.shapes.file import File
from harness.bring.shapes.spans import Mention, Passage, table
from harness.errors import InputError

SUFFIXES = (".conll", ".conll03", ".iob", ".iob2", ".bio", ".bioes", ".bmes", ".annotated")
TAG = re.compile(r"O|(?P<prefix>[BIESLUM])[-_](?P<type>\S+)")
DOCUMENT = "-DOCSTART-"
BEGINS, GOES_ON, ENDS = "BSU", "IMEL", "ESLU"
# Signs of Chinese and Japanese, with their punctuation and full-width letters: no blank stands beside them.
_WIDE = re.compile(r"[\u3000-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff01-\uff60\U00020000-\U0003ffff]")


@dataclass(frozen=True, slots=True)
class Token:
    text: str
    prefix: str
    type: str


def found(file: File) -> bool:
    """Whether most lines have a tag in their last column."""
    if not file.is_text or file.is_json:
        return False
    rows = [fields for line in file.start if (fields := _fields(line)) and fields[0] != DOCUMENT]
    tags = [TAG.fullmatch(fields[-1]) for fields in rows if len(fields) > 1]
    if file.suffix in SUFFIXES:
        return any(tags)
    several = sum(bool(tag) for tag in tags) > 0.8 * len(rows)
    return several and any(tag and tag["prefix"] for tag in tags)


def read(file: File) -> Table:
    """A row a sentence; the text is its tokens with blanks between them, but for Chinese and Japanese. Sentences below
    one ``-DOCSTART-`` are of one document.

    Raises InputError with the line of a tag that is of no known form."""
    sentences = list(_sentences(file))
    prefixes = {token.prefix for _, _, tokens in sentences for token in tokens} - {""}
    pure = _pure([tokens for _, _, tokens in sentences])
    found = _scheme(prefixes, [tokens for _, _, tokens in sentences])
    several = len({document for _, document, _ in sentences}) > 1
    passages = (
        _passage(number, f"{file.path}, line {line}", tokens, f"document-{document}" if several else None, pure)
        for number, (line, document, tokens) in enumerate(sentences, 1)
    )
    stray = sum(_strays(tokens) for _, _, tokens in sentences) if found != "IOB1" else 0
    said = [f"{stray} mentions do not begin with B-: each was taken for a mention of its own"] if stray else []
    return table(file.path, f"CoNLL columns, {found}, {file.source.encoding}", passages, said)


def _sentences(file: File) -> Iterator[tuple[int, int, list[Token]]]:
    """Each sentence with the number of its first line and of its document."""
    tokens, first, document = list[Token](), 0, 0
    number = 0
    for number, line in enumerate(file.source.lines(), 1):
        fields = _fields(line)
        starts = bool(fields) and fields[0] == DOCUMENT
        if not fields or starts:
            if tokens:
                yield first, document, tokens
            tokens, document = [], document + starts
            continue
        if not tokens and fields[0].startswith("#") and not TAG.fullmatch(fields[-1]):
            continue  # a comment, as CoNLL-U has them before a sentence
        first = first if tokens else number
        tokens.append(_token(fields, f"{file.path}, line {number}"))
    if tokens:
        yield first, document, tokens


def _fields(line: str) -> list[str]:
    """The columns of a line: a token may hold a blank where tabs part them."""
    stripped = line.strip("\r\n")
    if not stripped.strip():
        return []
    return [part.strip() for part in stripped.split("\t")] if "\t" in stripped.strip() else stripped.split()


def _token(fields: Sequence[str], where: str) -> Token:
    if len(fields) < 2 or not fields[0]:
        raise InputError(f"{where}: one column only ({fields[-1]!r}). Give the token and, in the last column, its tag.")
    tag = TAG.fullmatch(fields[-1])
    if tag is None:
        raise InputError(
            f"{where}: the tag {fields[-1]!r} is of no known form. Tags are O, or B, I, E or S (also L, U, M), a "
            "hyphen and the type, such as B-ORG."
        )
    return Token(fields[0], tag["prefix"] or "", tag["type"] or "")


def _passage(number: int, where: str, tokens: Sequence[Token], document: str | None, pure: bool) -> Passage:
    text, ends, starts = "", list[int](), list[int]()
    for token in tokens:
        if text and not pure and not _touch(text[-1], token.text[0]):
            text += " "
        starts.append(len(text))
        text += token.text
        ends.append(len(text))
    spans = [Mention(starts[first], ends[last], type_) for first, last, type_ in _chunks(tokens)]
    return Passage(number, where, text, spans, document)


def _touch(left: str, right: str) -> bool:
    return bool(_WIDE.match(left) or _WIDE.match(right))


def _pure(sentences: Sequence[Sequence[Token]]) -> bool:
    """Whether tokens are single signs of a text without blanks, so that letters and digits touch too."""
    texts = [token.text for tokens in sentences for token in tokens]
    wide = sum(bool(_WIDE.match(text)) for text in texts)
    return bool(texts) and 2 * wide > len(texts) and sum(len(text) == 1 for text in texts) > 0.95 * len(texts)


def _chunks(tokens: Sequence[Token]) -> list[tuple[int, int, str]]:
    """First token, last token and type of each mention, as conlleval reads them."""
    made: list[tuple[int, int, str]] = []
    open_ = False
    for place, token in enumerate(tokens):
        if not token.prefix:
            open_ = False
            continue
        if open_ and token.prefix in GOES_ON and made[-1][2] == token.type:
            made[-1] = (made[-1][0], place, token.type)
        else:
            made.append((place, place, token.type))
        open_ = token.prefix not in ENDS
    return made


def _strays(tokens: Sequence[Token]) -> int:
    """Mentions that a tag other than B, S and U begins."""
    return sum(tokens[first].prefix not in BEGINS for first, _, _ in _chunks(tokens))


def _scheme(prefixes: set[str], sentences: Sequence[Sequence[Token]]) -> str:
    if prefixes & set("ESLUM"):
        return "BILOU" if prefixes & set("LU") else "BMES" if "M" in prefixes else "BIOES"
    if "B" not in prefixes or not any(_lone(tokens) for tokens in sentences):
        return "IOB1"
    return "IOB2"


def _lone(tokens: Sequence[Token]) -> bool:
    """Whether a B stands where IOB1 has an I: not behind a mention of its type."""
    before = [Token("", "", ""), *tokens]
    return any(
        token.prefix == "B" and not (last.prefix and last.type == token.type)
        for last, token in zip(before, tokens, strict=False)
    )
