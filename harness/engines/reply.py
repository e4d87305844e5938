"""What an answer of a server that speaks OpenAI's protocol holds: text, thought, and what it cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.kinds.words import apart


class NoAnswer(ValueError):
    """A server's answer that holds no text, in the form of the protocol."""


def text(said: Mapping[str, Any], tokenizer: Any) -> str:
    """The text of an answer. Decoded here from tokens where they came too: a server's own text can begin with the
    prompt's end, where that is no whole character."""
    if said["choices"] == []:
        raise NoAnswer("there are no choices")
    made = said["choices"][0]
    if tokenizer is not None and made.get("token_ids") is not None:
        return str(tokenizer.decode(made["token_ids"], skip_special_tokens=True))
    if "message" in made:
        message = made["message"]
        texts = [message.get(name) for name in ("content", "refusal", "reasoning_content", "reasoning")]
        if all(text is None for text in texts):
            raise NoAnswer(f"the message has no content, and finish_reason is {made.get('finish_reason')}")
        return str(message.get("content") or message.get("refusal") or "")
    if made["text"] is None:
        raise NoAnswer(f"the text is null, and finish_reason is {made.get('finish_reason')}")
    return str(made["text"])


def stopped_early(said: Mapping[str, Any]) -> bool:
    """Whether the text, as the server cut it, ends before there is an answer, by a stop that acted too early."""
    return said["choices"][0].get("finish_reason") == "stop" and not apart(text(said, None))[1].strip()


def thought(said: Mapping[str, Any]) -> str:
    """What a chat's model thought, where the server keeps it apart, between the tags of a thought; else empty."""
    message = said["choices"][0].get("message") or {}
    thought = message.get("reasoning_content") or message.get("reasoning")
    return f"<think>{thought}</think>\n\n" if thought else ""


def usage(said: Mapping[str, Any]) -> tuple[int, int, int]:
    """Tokens of the prompt, those of them from a cache, and those generated, as far as the server says."""
    usage = said.get("usage") or {}
    cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens")
    return int(usage.get("prompt_tokens") or 0), int(cached or 0), int(usage.get("completion_tokens") or 0)


def computed(said: Mapping[str, Any]) -> int:
    """Token positions run through the model: the last token generated is not fed to it."""
    prompt, cached, new = usage(said)
    return prompt - cached + max(0, new - 1)
