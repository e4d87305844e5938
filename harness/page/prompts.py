"""Prompts by their lines: what many share stands once."""

from __future__ import annotations

import os.path
from collections.abc import Hashable, Sequence
from typing import Any

from harness.page.given import Written


def prompts(written: Written, alike: Sequence[Hashable]) -> dict[str, Any]:
    """One prompt an item; those of equal ``alike``, such as their demonstrations, share a head."""
    places: dict[str, int] = {}
    rows = [[places.setdefault(line, len(places)) for line in text.splitlines(keepends=True)] for text in written.texts]
    shared: dict[Hashable, list[int]] = {}
    for key, row in zip(alike, rows, strict=True):
        head = shared.setdefault(key, row)
        if row[: len(head)] != head:
            shared[key] = head[: len(os.path.commonprefix([head, row]))]
    numbers = {key: place for place, key in enumerate(shared)}
    return {
        "lines": list(places),
        "heads": list(shared.values()),
        "items": [[numbers[key], *row[len(shared[key]) :]] for key, row in zip(alike, rows, strict=True)],
        "exact": written.exact,
    }
