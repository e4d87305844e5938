"""A text in sentences."""

from __future__ import annotations

import re

_END = re.compile(r"(?<=[.!?])[\"'”’)\]]*\s+(?=[\"'“‘(\[]?[A-Z0-9㐀-鿿])|(?<=[。！？；])[”’）】]*|\n+")
_SHORT = re.compile(r"\b(?:Mr|Mrs|Ms|Dr|Prof|Inc|Ltd|Co|Corp|No|vs|St|approx|e\.g|i\.e|[A-Z])\.$")


def sentences(text: str) -> list[tuple[int, str]]:
    """The sentences of ``text``, each with the place at which it begins.

    It is cut behind a full stop, question or exclamation mark with a capital or a digit after it, behind those of
    Chinese, and at line ends; not behind a common short form nor an initial."""
    found: list[tuple[int, str]] = []
    start = 0
    for end in [*(match.end() for match in _END.finditer(text)), len(text)]:
        piece = text[start:end]
        if end < len(text) and _SHORT.search(piece.rstrip()):
            continue
        if said := piece.strip():
            found.append((start + piece.index(said), said))
        start = end
    return found
