"""Checksums of what is kept, so that no change of it goes unseen."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any

from harness import paths


def of_file(path: Path) -> str:
    """SHA-256 of the file's bytes."""
    paths.check(path)
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def of_document(document: Mapping[str, Any]) -> str:
    """SHA-256 of what a JSON document says, however it is laid out."""
    return sha256(json.dumps(document, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
