"""What a table's items say, and the demonstrations that its rows showed."""

from __future__ import annotations

from typing import Any

from harness.kinds import Kind
from harness.page.answers import marks
from harness.page.given import Given


def texts(kind: Kind, given: Given) -> dict[str, Any]:
    """The items' inputs and options with what is marked of their right answers, and the demonstrations by id."""
    known = given.items or ()
    names = list(known[0].inputs) if known else []
    return {
        "inputs": [{"name": name, "texts": [item.inputs[name] for item in known]} for name in names],
        "options": [list(item.options) for item in known] if any(item.options for item in known) else None,
        "marks": marks(kind, known, [item.target for item in known]) if known else None,
        "demos": {
            name: {"inputs": dict(demo.inputs), "target": demo.target} for name, demo in sorted(given.demos.items())
        },
    }
