"""Generated text to an answer. A text that names no label, or two, is unparsed: counted, never guessed."""

from __future__ import annotations

import re
from collections.abc import Mapping

from harness.tokens import fold


def strict(text: str, words: Mapping[str, str]) -> str | None:
    """The label whose answer word is the whole text, up to case, space and closing punctuation; else None."""
    said = fold(text).strip(" .,;:!?\"'`*()[]。，；：！？“”")
    return next((label for label, word in words.items() if fold(word) == said), None)


def lenient(text: str, words: Mapping[str, str]) -> str | None:
    """The one label whose answer word occurs in the text as a word; None where none or several do.

    A word inside a longer one that also matched does not count ("neutral" in "not neutral" where both are labels).
    """
    said = fold(text)
    spans = []
    for label, word in words.items():
        edge = r"\b" if word.isascii() else ""
        for hit in re.finditer(f"{edge}{re.escape(fold(word))}{edge}", said):
            spans.append((hit.start(), hit.end(), label))
    outer = {
        label
        for start, end, label in spans
        if not any(s <= start and end <= e and (s, e) != (start, end) for s, e, _ in spans)
    }
    return outer.pop() if len(outer) == 1 else None
