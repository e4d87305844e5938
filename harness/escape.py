"""Any text made to fit where it is shown, one function a medium: nothing in a name or an item is taken for a command.

What cannot be seen is written as JSON writes it, ``\\u001b``, so that text that is JSON stays the same JSON."""

from __future__ import annotations

import re
from html import escape as _html

# Control characters, line ends other than a newline, marks that turn the direction of what follows, halves of surrogate
# pairs and what is no character at all: a terminal obeys some of them, XML allows few, and no reader sees any.
_UNSEEN = re.compile(
    "[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff\ufffe\uffff]"
)
_SHORT = {"\b": "\\b", "\f": "\\f", "\r": "\\r"}
_FORMULA = tuple("=+-@\t\n＝＋－＠")  # what a spreadsheet takes for the beginning of a formula
# What GitHub's markdown does not show as it stands. Brackets alone are no link, nor is "<0.001" a tag.
_MARKED = re.compile(
    r"[\\`*~$@]|\]\s*[(\[:]|\[\^|<[A-Za-z/!?]|&#?\w+;|(?<!\w)_|_(?!\w)|:\w[\w+-]*:|://|www\.|#\d|GH-\d"
    r"|^(?:[-+=]+(?:\s|$)|\d+[.)](?:\s|$)|>|\#)|^\s|\s$",
    re.IGNORECASE,
)
_LATEX = {
    "\\": r"\textbackslash{}",
    **{character: f"\\{character}" for character in "&%$#_{}"},
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "`": r"\textasciigrave{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "–": "--",
    "—": "---",
    "−": "$-$",
    "…": r"\ldots{}",
}


def terminal(text: str) -> str:
    """Text of several lines for a screen, and for XML: what would act, or be seen by nobody, is written out."""
    return _UNSEEN.sub(_written, text)


def _written(found: re.Match[str]) -> str:
    return _SHORT.get(found[0], f"\\u{ord(found[0]):04x}")


def line(text: str) -> str:
    """As ``terminal``, on one line: a name, a cell of a table."""
    return terminal(text).replace("\n", "\\n").replace("\t", "\\t")


def markdown(text: str) -> str:
    """A line of GitHub's markdown: as it is where that shows it as it is, else as code."""
    return code(text) if _MARKED.search(text) else line(text)


def cell(text: str) -> str:
    """As ``markdown``, for a cell of a table."""
    return markdown(text).replace("|", "\\|")


def code(text: str) -> str:
    """A code span of markdown, in more backticks than the text has side by side."""
    text = line(text)
    fence = "`" * (1 + max(map(len, re.findall("`+", text)), default=0))
    room = " " if text.strip(" ") and (text[0] in "` " or text[-1] in "` ") else ""
    return f"{fence}{room}{text}{room}{fence}"


def html(text: str) -> str:
    """The content of an element or an attribute."""
    return _html(line(text))


def latex(text: str) -> str:
    """Text of a LaTeX document on one line, character by character; hyphens in a row stay hyphens."""
    shown = "".join(_LATEX.get(character, character) for character in re.sub("-(?=-)", "-\0", line(text)))
    return shown.replace("\0", "{}")


def csv(text: str) -> str:
    """A text cell of a CSV file: one that a spreadsheet would take for a formula gets a quote before it."""
    shown = terminal(text)
    return f"'{shown}" if shown.startswith(_FORMULA) else shown


def github(text: str) -> str:
    """The message of a workflow command, on one line."""
    return terminal(text).replace("%", "%25").replace("\n", "%0A")


def github_property(text: str) -> str:
    """A property of a workflow command, such as its ``file``."""
    return github(text).replace(":", "%3A").replace(",", "%2C")


def figure(text: str) -> str:
    """A name in a figure: matplotlib keeps what begins with an underscore out of a legend."""
    shown = line(text)
    return f" {shown}" if shown.startswith("_") else shown
