"""The page as one file: skeleton, style, script and data, and a policy that lets it ask no host."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable
from importlib import resources
from typing import Any

from harness import escape
from harness.errors import HarnessError
from harness.page.blocks import block
from harness.page.script import joined

SKELETON = "page.html"
POLICY = (
    "default-src 'none'; script-src '{script}'; style-src '{style}'; img-src data:; base-uri 'none'; form-action 'none'"
)


def assemble(title: str, blocks: Iterable[tuple[str, Any]]) -> str:
    """The file that is called ``title`` and holds the ``blocks``, names with values."""
    files = {
        each.name: each.read_text(encoding="utf-8")
        for each in resources.files(__package__).iterdir()
        if each.name.endswith((".html", ".css", ".js"))
    }
    style = "\n".join(files[name].strip() for name in sorted(files) if name.endswith(".css"))
    script = joined({name: text for name, text in files.items() if name.endswith(".js")})
    for name, text in (("style", style), ("script", script)):
        if re.search(rf"</{name}|<!--", text, re.IGNORECASE):
            raise HarnessError(f"page {name}: it holds what would end it where it stands in a file.")
    return _filled(
        files[SKELETON],
        {
            "title": escape.html(title),
            "policy": escape.html(POLICY.format(script=_hash(script), style=_hash(style))),
            "style": style,
            "script": script,
            "blocks": "\n".join(block(name, value) for name, value in blocks),
        },
    )


def _filled(skeleton: str, parts: dict[str, str]) -> str:
    """The skeleton with each of the ``parts`` in its place, of which it has one each."""
    pieces = re.split(r"\{\{(\w+)\}\}", skeleton)
    if sorted(pieces[1::2]) != sorted(parts):
        raise HarnessError(f"page {SKELETON}: it has not one place each for {', '.join(sorted(parts))}.")
    return "".join(parts[piece] if place % 2 else piece for place, piece in enumerate(pieces))


def _hash(text: str) -> str:
    """What a policy calls an inline script or style that it lets in."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
