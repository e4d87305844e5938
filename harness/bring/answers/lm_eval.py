"""lm-evaluation-harness: ``samples_*.jsonl`` that ``--log_samples`` writes, a line an item and filter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.bring.answers.said import Said, at, number
from harness.errors import InputError

KEYS = {"doc_id", "doc", "resps"}


def said(where: str, row: Mapping[str, Any]) -> Said:
    """What the filter left of the answer, or, where continuations were scored, the likeliest of them."""
    doc = row["doc"] if isinstance(row["doc"], Mapping) else {}
    found = row.get("filtered_resps", row["resps"])
    source = str(row.get("filter") or "none")
    scores = _scores(where, row)
    answer = max(scores, key=scores.__getitem__) if scores else _first(found)
    return Said(where, doc, answer, scores=scores, source="" if source == "none" else source)


def _scores(where: str, row: Mapping[str, Any]) -> Mapping[str, float] | None:
    """The log-likelihood of each continuation of the prompt; None where the answer was written. Those that are asked
    without the prompt (``acc_mutual_info``) are no answers."""
    found = row["resps"]
    first = at(found, 0, 0)
    if not (isinstance(first, list) and len(first) == 2):
        return None
    asked = _arguments(row.get("arguments"))
    if len(asked) != len(found):
        raise InputError(f"{where}: {len(found)} scores, but {len(asked)} requests that they are of.")
    shown = any(context for context, _ in asked)
    return {
        continuation.strip(): number(at(scored, 0, 0), where, f"the score of {continuation!r}")
        for (context, continuation), scored in zip(asked, found, strict=True)
        if context or not shown
    }


def _arguments(given: object) -> list[tuple[str, str]]:
    """Context and continuation of each request: lists of two, or objects of ``arg_0`` and ``arg_1``."""
    listed = list(given.values()) if isinstance(given, Mapping) else given if isinstance(given, list) else []
    pairs = [list(each.values()) if isinstance(each, Mapping) else each for each in listed]
    return [(str(pair[0]), str(pair[1])) for pair in pairs if isinstance(pair, list) and len(pair) >= 2]


def _first(found: object) -> Any:
    while isinstance(found, list):
        found = found[0] if found else None
    return found
