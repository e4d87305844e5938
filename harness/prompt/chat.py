"""A model's chat template: messages to text, the same on every day and whatever roles it takes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any

from harness.errors import InputError
from harness.types import Message

TODAY = datetime(2025, 1, 1)  # what a chat template that writes the date is told
# What ``apply_chat_template`` takes for itself.
OWN = (
    *("conversation", "messages", "chat_template", "add_generation_prompt", "continue_final_message", "tokenize"),
    *("tools", "documents", "padding", "truncation", "max_length", "return_tensors", "return_dict"),
    *("return_assistant_tokens_mask", "tokenizer_kwargs", "strftime_now"),
)
_THOUGHT = re.compile(r"<(?P<name>[\w:]*think\w*|thought|reasoning)>(?P<space>\s*)\Z")  # open at a text's end
_PROBES = ("3141592653", "2718281828")  # two texts that no chat template writes of itself


class Chat:
    """The chat template of ``tokenizer`` with the arguments ``kwargs``, such as ``enable_thinking``."""

    def __init__(self, tokenizer: Any, kwargs: Mapping[str, Any]) -> None:
        self._tokenizer = tokenizer
        self._kwargs = {"strftime_now": TODAY.strftime, **kwargs}

    @cached_property
    def folds(self) -> bool:
        """Whether a system message goes before the first user message's text: the template refuses the role, or leaves
        it out."""
        system, user = _PROBES
        try:
            return system not in self._render([Message("system", system), Message("user", user)], opens=True)
        except InputError:
            return True

    def text(self, messages: Sequence[Message]) -> str:
        """The chat as one string, ready to be answered. A last assistant message is the beginning of the answer: it is
        left open. Raises InputError where the template takes no such chat."""
        begun = bool(messages) and messages[-1].role == "assistant"
        return self._render(self._taken(messages), opens=not begun, goes_on=begun)

    def whole(self, messages: Sequence[Message]) -> str:
        """The chat as one string, its last message closed as the template closes it."""
        return self._render(self._taken(messages))

    def answering(self, text: str) -> str:
        """``text``, which ends where an answer begins; a thought that is open there is closed, as an empty one."""
        begun = _THOUGHT.search(text)
        if begun is None:
            return text
        return text[: begun.start("space")] + f"\n\n</{begun['name']}>\n\n"

    def _taken(self, messages: Sequence[Message]) -> Sequence[Message]:
        """The messages in roles that the template takes."""
        if not self.folds:
            return messages
        taken: list[Message] = []
        held: list[str] = []
        for message in messages:
            if message.role == "system":
                held.append(message.content)
                continue
            if held and message.role == "user":
                taken.append(Message("user", "\n\n".join([*held, message.content])))
                held = []
            else:
                taken.append(message)
        return [*taken, Message("user", "\n\n".join(held))] if held else taken

    def _render(self, messages: Sequence[Message], opens: bool = False, goes_on: bool = False) -> str:
        """``opens`` begins an assistant's turn, ``goes_on`` leaves the last message open."""
        import jinja2

        if not getattr(self._tokenizer, "chat_template", None):
            raise InputError(
                f"the tokenizer of {self._tokenizer.name_or_path} has no chat template, so it cannot take a chat "
                "prompt. Use a template without role tags, or a model tuned for chat."
            )
        try:
            return str(
                self._tokenizer.apply_chat_template(
                    [{"role": m.role, "content": m.content} for m in messages],
                    tokenize=False,
                    add_generation_prompt=opens,
                    continue_final_message=goes_on,
                    **self._kwargs,
                )
            )
        except (jinja2.TemplateError, ValueError, TypeError, LookupError) as error:
            said = str(error).splitlines() or [type(error).__name__]
            raise InputError(
                f"the chat template of {self._tokenizer.name_or_path} takes no such chat "
                f"({', '.join(m.role for m in messages) or 'no message'}): {said[0]}. Change the role tags, or use a "
                "template without."
            ) from None
