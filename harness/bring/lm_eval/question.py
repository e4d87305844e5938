"""What an item is asked: Jinja text of another harness in pieces, each a literal text or an input of the item."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import jinja2
from jinja2 import nodes

from harness.bring.lm_eval.refusal import Refusal
from harness.bring.project import TAKEN
from harness.sandbox import Sandbox, methods

WHOLE = "text"  # the input that is a question of which the template writes nothing itself
_METHODS = frozenset(dir(str)) | frozenset(dir(list)) | frozenset(dir(dict))
_ALLOWED = frozenset().union(*(methods(kind) for kind in (str, list, dict)))
_CONTROLS = ("-", "+")
_SKIPPED = frozenset(["strip", "lstrip", "rstrip", "string", "if", "else", "is", "not", "defined", "none", "index"])


@dataclass(frozen=True, slots=True)
class Piece:
    """A literal ``text``, or the name of an ``input``."""

    text: str = ""
    input: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """``pieces`` in their order; ``columns`` are the Jinja texts that make the inputs."""

    pieces: Sequence[Piece] = ()
    columns: Mapping[str, str] = field(default_factory=dict)

    @property
    def end(self) -> str | None:
        """Its last character, empty where there is none; None where that is an item's own."""
        if not self.pieces:
            return ""
        return self.pieces[-1].text[-1:] or None

    def body(self, shot: bool = False) -> str:
        """What stands in a template for it."""
        prefix = "shot." if shot else ""
        return "".join(f"{{{{ {prefix}{each.input} }}}}" if each.input else literal(each.text) for each in self.pieces)


def is_name(text: str) -> bool:
    """Whether a field that holds no Jinja names a column."""
    return re.fullmatch(r"[A-Za-z_]\w*", text) is not None


def jinja(text: str) -> str:
    """The Jinja of a field: what it is, or, where it names a column, what writes that column."""
    return f"{{{{ {text} }}}}" if is_name(text) else text


def asked(text: str, where: str, whole: bool = False) -> Question:
    """The question that ``text`` asks; with ``whole`` as one input. Raises Refusal for Jinja that does not run here."""
    check(jinja(text), where)
    parts = None if whole else _parts(jinja(text))
    if parts is None:
        return Question([Piece(input=WHOLE)], {WHOLE: jinja(text)})
    pieces, columns = list[Piece](), dict[str, str]()
    for part, is_expression in parts:
        if not is_expression:
            pieces.append(Piece(text=part))
            continue
        written = f"{{{{ {part.strip()} }}}}"
        name = next((name for name, held in columns.items() if held == written), None) or _named(part, columns)
        columns[name] = written
        pieces.append(Piece(input=name))
    return Question(pieces, columns)


def check(text: str, where: str) -> None:
    """Raises Refusal where ``text`` is no Jinja, or calls what the sandbox has not."""
    sandbox = Sandbox(exact=True)
    try:
        sandbox.from_string(text)
        tree = sandbox.parse(text)
    except (jinja2.TemplateError, SyntaxError, RecursionError, ValueError) as error:
        raise Refusal(where, "jinja", f"its Jinja cannot be run: {error}.") from None
    for call in tree.find_all(nodes.Call):
        called = call.node
        if isinstance(called, nodes.Getattr) and called.attr in _METHODS - _ALLOWED:
            raise Refusal(where, "jinja", f"its Jinja calls .{called.attr}(), which the sandbox has not.")


def _parts(text: str) -> list[tuple[str, bool]] | None:
    """Literal texts and expressions in turn; None where there are blocks, or white space is trimmed."""
    parts, inside, begun = list[tuple[str, bool]](), False, list[str]()
    for _, kind, value in Sandbox(exact=True).lex(text):
        if kind == "data":
            parts.append((value, False))
        elif kind in ("variable_begin", "variable_end"):
            if any(sign in value for sign in _CONTROLS):
                return None
            inside = kind == "variable_begin"
            if inside:
                begun = []
            else:
                parts.append(("".join(begun), True))
        elif inside:
            begun.append(value)
        else:
            return None
    return parts


def _named(expression: str, taken: Mapping[str, str]) -> str:
    """A name for the input that ``expression`` makes: the words in it."""
    bare = re.sub(r"'[^']*'|\"[^\"]*\"", lambda said: re.sub(r"\W+", " ", said[0]), expression)
    words = [word for word in re.findall(r"[A-Za-z_]\w*|\d+", bare) if word not in _SKIPPED]
    name = "_".join(words[:4]).strip("_")[:40] or WHOLE
    if not name.isidentifier() or name in TAKEN or name in ("gold", "offered"):
        name = f"the_{name}"
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name}_{number}"
    return free


def literal(text: str) -> str:
    """``text`` as a template writes it."""
    return re.sub(r"\{+|\r", lambda found: f"{{{{ {json.dumps(found[0])} }}}}", text)
