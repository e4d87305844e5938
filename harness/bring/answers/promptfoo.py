"""promptfoo: the JSON that ``promptfoo eval --output FILE.json`` writes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from harness.bring.answers.said import Said, at, spent

KEYS = {"results"}


def said(path: str, document: Mapping[str, Any]) -> Iterator[Said]:
    """Every result; those of each provider and prompt are a source of their own."""
    found = [each for each in at(document, "results", "results") or () if isinstance(each, Mapping)]
    prompts = {_prompt(each) for each in found}
    for place, each in enumerate(found, 1):
        provider = str(at(each, "provider", "label") or at(each, "provider", "id") or at(each, "provider") or "")
        yield Said(
            f"{path}, result {place}",
            each.get("vars") or at(each, "testCase", "vars") or {},
            at(each, "response", "output"),
            at(each, "testCase", "metadata", "id"),
            failure=str(at(each, "response", "error") or each.get("error") or ""),
            spent=spent(at(each, "response", "tokenUsage"), milliseconds=each.get("latencyMs")),
            source=", ".join([provider, _prompt(each)] if len(prompts) > 1 else [provider]),
        )


def _prompt(each: Mapping[str, Any]) -> str:
    return f"prompt {int(each.get('promptIdx') or 0) + 1}"
