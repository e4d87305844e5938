"""How a constraint on generated text is said to a server, and its answer unwrapped."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from harness.prompt import parse
from harness.types import Constraint

KINDS = ("vllm", "json", "none")
FIELD = "answer"
ROOM = 16  # tokens of the wrapping: braces, quotes, the field's name


def wraps(constraint: Constraint | None, how: str) -> bool:
    """Whether the answer comes as the field of a JSON object that nobody but us asked for."""
    return constraint is not None and how == "json" and constraint.kind != "json"


def fields(constraint: Constraint | None, how: str) -> Mapping[str, Any]:
    """What a request says of ``constraint``: to a server that takes vLLM's ``structured_outputs``, one that takes a
    JSON schema only, or one that takes neither (nothing: its text is parsed as it comes)."""
    if constraint is None or how == "none":
        return {}
    if constraint.kind == "json":
        return _schema(json.loads(str(constraint.value)))
    if how == "vllm":
        return {"structured_outputs": {constraint.kind: constraint.value}}
    held = {"enum": list(constraint.value)} if constraint.kind == "choice" else {"pattern": f"^(?:{constraint.value})$"}
    return _schema(
        {
            "type": "object",
            "properties": {FIELD: {"type": "string", **held}},
            "required": [FIELD],
            "additionalProperties": False,
        }
    )


def _schema(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    return {
        "response_format": {"type": "json_schema", "json_schema": {"name": FIELD, "strict": True, "schema": schema}}
    }


def unwrap(text: str) -> str:
    """The answer inside the wrapping; ``text`` itself where it was cut before its end."""
    return parse.field(text, FIELD) or text
