"""OpenAI's batch output: JSON lines of replies, each under the ``custom_id`` that it was asked by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.bring.answers.said import Said, at, content, spent

KEYS = {"custom_id", "response"}


def said(where: str, row: Mapping[str, Any]) -> Said:
    """The first choice of a chat or a completion, or the text of a response."""
    body = at(row, "response", "body")
    choice = at(body, "choices", 0)
    answer = content(at(choice, "message")) if at(choice, "message") is not None else at(choice, "text")
    if answer is None:
        parts = [content(each) for each in at(body, "output") or () if at(each, "type") == "message"]
        answer = "".join(part for part in parts if isinstance(part, str)) or None
    problem = at(row, "error", "message") or at(body, "error", "message")
    return Said(
        where,
        {},
        answer,
        row["custom_id"],
        failure=str(problem or ""),
        spent=spent(at(body, "usage")),
        model=str(at(body, "model") or ""),
    )
