"""The part of a generated text that holds its answer."""

from __future__ import annotations

import json


def field(text: str, name: str) -> str:
    """The field ``name`` of ``text``, a JSON object; empty where it is none or has no such field."""
    try:
        value = json.loads(text)[name]
    except (ValueError, KeyError, TypeError, IndexError):
        return ""
    return value if isinstance(value, str) else json.dumps(value)
