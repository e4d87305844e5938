"""A field of a data row that holds a list."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from harness.errors import InputError
from harness.kinds import values


def listed(value: Any, where: str, field: str) -> Sequence[Any]:
    """The list in ``field``: one of JSON or Parquet, or a text that holds it as JSON, or whose parts have semicolons or
    bars between them. An empty text is an empty list. Raises InputError where nothing is there."""
    if hasattr(value, "tolist"):
        value = value.tolist()  # an array of pandas or numpy
    if isinstance(value, list | tuple):
        return value
    if values.missing(value):
        raise InputError(
            f"{where}: field {field!r} is null. Give a list (an empty one for nothing), or take the row out."
        )
    text = values.text(value, where, field).strip()
    if text.startswith("["):
        try:
            found = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise InputError(f"{where}: field {field!r} begins as a JSON list, but is none: {error}.") from None
        assert isinstance(found, list)
        return found
    return [part.strip() for part in re.split("[;|]", text) if part.strip()]
