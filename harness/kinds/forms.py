"""How answer words are compared: as they are, and more loosely wherever that still keeps them apart."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from harness.tokens import fold


def plain(text: str) -> str:
    """A word as it is: outer white space stripped, characters in their composed form (NFC)."""
    return unicodedata.normalize("NFC", text.strip()).strip()


def compatible(text: str) -> str:
    """Full-width letters, ligatures and the like as plain ones (NFKC), runs of space as one."""
    return " ".join(unicodedata.normalize("NFKC", text).split())


STEPS: tuple[Callable[[str], str], ...] = (plain, compatible, fold)
"""From the closest comparison to the loosest; what one takes for equal, all after it do."""


@dataclass(frozen=True, slots=True)
class Forms:
    """A set of answer words. ``tables`` hold for each step the labels by their words' forms, as far as they are apart;
    ``loosest`` is the last step that keeps a label's word apart from all others; ``symbols`` are the emoji and other
    signs in them, which therefore decorate nothing."""

    words: Mapping[str, str]
    tables: tuple[Mapping[str, str], ...]
    loosest: Mapping[str, int]
    symbols: frozenset[str]

    def label(self, text: str) -> str | None:
        """The label whose answer word ``text`` is, compared as closely as it can be told."""
        for step, table in zip(STEPS, self.tables, strict=True):
            if found := table.get(step(text)):
                return found
        return None


def forms(words: Mapping[str, str]) -> Forms:
    """The forms of ``words`` (label to answer word), made once for each set."""
    return _forms(tuple(words.items()))


@lru_cache(maxsize=256)
def _forms(words: tuple[tuple[str, str], ...]) -> Forms:
    tables: list[dict[str, str]] = []
    loosest = {label: 0 for label, _ in words}
    for place, step in enumerate(STEPS):
        counts = Counter(step(word) for _, word in words)
        tables.append({form: label for label, word in words if counts[form := step(word)] == 1 and form})
        loosest |= dict.fromkeys(tables[-1].values(), place)
    symbols = frozenset(c for _, word in words for c in word if decorates(c))
    return Forms(dict(words), tuple(tables), loosest, symbols)


def decorates(character: str) -> bool:
    """Whether it is an emoji, a sign like one, or what joins and varies them."""
    return unicodedata.category(character) in ("So", "Sk", "Cf") or "\ufe00" <= character <= "\ufe0f"
