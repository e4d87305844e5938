"""Every Eval Ever: JSON lines of single items (instance-level schema 0.2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.bring.answers.said import Said, at, content, spent

KEYS = {"schema_version", "sample_id", "interaction_type", "input"}


def said(where: str, row: Mapping[str, Any]) -> Said:
    """The model's own words: what was extracted from them is for their metric."""
    given, written = row["input"], at(row, "output", "raw")
    answer = written[0] if isinstance(written, list) and written else written
    if answer is None or answer == []:
        turns = [turn for turn in row.get("messages") or () if at(turn, "role") == "assistant"]
        answer = content(turns[-1]) if turns else None
    return Said(
        where,
        row.get("metadata") or {},
        answer,
        row["sample_id"],
        at(given, "raw"),
        failure=str(row.get("error") or ""),
        spent=spent(row.get("token_usage"), milliseconds=at(row, "performance", "latency_ms")),
        model=str(row.get("model_id") or ""),
    )
