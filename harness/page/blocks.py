"""Data as blocks of a page: JSON, gzipped, in base64, which no text in it can leave."""

from __future__ import annotations

import base64
import gzip
import json
import re
from typing import Any

LEVEL = 6  # of nine: more takes twice as long for a hundredth of the size
_HALVES = re.compile("[\ud800-\udfff]")  # of surrogate pairs: UTF-8 has none


def encode(value: Any) -> str:
    """``value`` as a block's content; the same value gives the same text."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    text = _HALVES.sub(lambda half: f"\\u{ord(half[0]):04x}", text)
    return base64.b64encode(gzip.compress(text.encode(), LEVEL, mtime=0)).decode()


def block(name: str, value: Any) -> str:
    """The element that holds ``value`` under the id ``name``."""
    return f'<script type="text/plain" id="{name}">{encode(value)}</script>'
