"""What an answer of a server that speaks OpenAI's protocol holds: text, thought, and what it cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.kinds.words import apart

LETTERS = 1024  # characters that a token can stand for at most: the longest in use have 128 to 512
MOST = 2**53  # tokens that a server may claim
TEXTS = ("content", "refusal", "reasoning_content", "reasoning")
UNSAID = ("stop", "", None)  # reasons to end that are none for there being no text


class Odd(ValueError):
    """Something came that is no answer, and another attempt may bring one; it says what was odd."""


class NoAnswer(ValueError):
    """A server's answer that holds no text, in the form of the protocol, and says why."""


def chosen(said: Mapping[str, Any]) -> Mapping[str, Any]:
    """The one answer among the choices that ``said`` holds."""
    found = [each for each in said["choices"] if not each.get("index")]
    if not found:
        raise Odd("there are no choices")
    return dict(found[0])


def text(said: Mapping[str, Any], tokenizer: Any) -> str:
    """The text of an answer. Decoded here from tokens where they came too: a server's own text can begin with the
    prompt's end, where that is no whole character."""
    made = chosen(said)
    if tokenizer is not None and made.get("token_ids") is not None:
        return str(tokenizer.decode([_index(each) for each in made["token_ids"]], skip_special_tokens=True))
    message = made["message"] if "message" in made else {"content": made["text"]}
    if all(message.get(name) is None for name in TEXTS):
        why = f"there is no text, and finish_reason is {made.get('finish_reason')}"
        raise (Odd if made.get("finish_reason") in UNSAID else NoAnswer)(why)
    return _written(message.get("content")) or _written(message.get("refusal"))


def _written(content: Any) -> str:
    """A message's text, which may come in parts; those that are none (a thought) are left out."""
    if content is None or isinstance(content, str):
        return content or ""
    texts = [part["text"] for part in content if part["type"] in ("text", "output_text")]
    if not texts or not all(isinstance(each, str) for each in texts):
        raise Odd("the content is no text")
    return "".join(texts)


def _index(value: Any) -> int:
    if type(value) is not int or not 0 <= value < 2**31:
        raise Odd("a token's id is no number of one")
    return value


def finish(said: Mapping[str, Any]) -> str:
    """Why an answer ends; ``length`` where the server does not say."""
    reason = chosen(said).get("finish_reason") or "length"
    if not isinstance(reason, str):
        raise Odd("finish_reason is no text")
    return reason


def bounded(text: str, tokens: int) -> str:
    """``text``, which an answer of so many ``tokens`` can be."""
    if len(text) > LETTERS * tokens:
        raise Odd(f"{len(text):,} characters came, more than the {tokens} tokens that were asked for can make")
    return text


def stopped_early(said: Mapping[str, Any]) -> bool:
    """Whether the text, as the server cut it, ends before there is an answer, by a stop that acted too early."""
    return finish(said) == "stop" and not apart(text(said, None))[1].strip()


def thought(said: Mapping[str, Any]) -> str:
    """What a chat's model thought, where the server keeps it apart, between the tags of a thought; else empty."""
    message = chosen(said).get("message") or {}
    thought = _written(message.get("reasoning_content") or message.get("reasoning"))
    return f"<think>{thought}</think>\n\n" if thought else ""


def usage(said: Mapping[str, Any]) -> tuple[int, int, int]:
    """Tokens of the prompt, those of them from a cache, and those generated, as far as the server says."""
    told = _of(said, "usage")
    prompt, new = _count(told.get("prompt_tokens")), _count(told.get("completion_tokens"))
    return prompt, min(prompt, _count(_of(told, "prompt_tokens_details").get("cached_tokens"))), new


def _of(said: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = said.get(name)
    return found if isinstance(found, dict) else {}


def _count(value: Any) -> int:
    """A number of tokens; 0 for what is none."""
    whole = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= MOST
    return int(value) if whole else 0


def computed(said: Mapping[str, Any]) -> int:
    """Token positions run through the model: the last token generated is not fed to it."""
    prompt, cached, new = usage(said)
    return prompt - cached + max(0, new - 1)
