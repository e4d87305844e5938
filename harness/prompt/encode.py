"""Text to tokens: where the context ends and a choice begins is decided here, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from harness.errors import InputError
from harness.tokens import shared
from harness.types import Message, Prompt, Tokens

BATCH = 1024  # texts tokenized at once: what the tokenizer says of each is large


@dataclass(frozen=True, slots=True)
class Encoded:
    """A prompt's tokens and, when it has choices, the tokens of each choice after it."""

    prompt: Tokens
    choices: tuple[Tokens, ...] | None


class Encoder:
    """Wraps a Hugging Face tokenizer (a fast one)."""

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer

    def text(self, content: str | Sequence[Message]) -> str:
        """The prompt as one string: a chat goes through the tokenizer's chat template, once."""
        if isinstance(content, str):
            return content
        if not getattr(self.tokenizer, "chat_template", None):
            raise InputError(
                f"the tokenizer of {self.tokenizer.name_or_path} has no chat template, so it cannot take a chat "
                "prompt. Use a template without role tags, or a model tuned for chat."
            )
        messages = [{"role": m.role, "content": m.content} for m in content]
        return str(self.tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True))

    @cached_property
    def _bos(self) -> int | None:
        """The BOS id, if this tokenizer puts one in front of a text."""
        bos = self.tokenizer.bos_token_id
        return bos if bos is not None and bos in self.tokenizer.encode("") else None

    def tokens(self, texts: Sequence[str]) -> list[Tokens]:
        """Token ids of each text, with one BOS where the tokenizer uses one, never two, and no EOS."""
        head = () if self._bos is None else (self._bos,)
        rows = (tuple(ids) for start in range(0, len(texts), BATCH) for ids in self._ids(texts[start : start + BATCH]))
        return [ids if ids[:1] == head else head + ids for ids in rows]

    def _ids(self, texts: Sequence[str]) -> Iterator[Sequence[int]]:
        """The library's own tokenizer is asked where there is one: the wrapper around it costs as much again."""
        rust: Any = getattr(self.tokenizer, "backend_tokenizer", None)
        if not hasattr(rust, "encode_batch_fast"):
            yield from self.tokenizer(list(texts), add_special_tokens=False)["input_ids"]
            return
        rust.no_truncation()  # a call of the wrapper may have left either on
        rust.no_padding()
        yield from (found.ids for found in rust.encode_batch_fast(list(texts), add_special_tokens=False))

    def encode(self, prompts: Sequence[Prompt]) -> list[Encoded]:
        """Context and context+choice are encoded together. Where the context's tokens are not a prefix of each (a
        tokenizer may merge across the boundary), scoring starts at the longest prefix that all share."""
        texts = [self.text(prompt.content) for prompt in prompts]
        wholes = [text + choice for text, prompt in zip(texts, prompts, strict=True) for choice in prompt.choices or ()]
        contexts, continued = self.tokens(texts), iter(self.tokens(wholes))
        return [
            _boundary(prompt, context, [next(continued) for _ in prompt.choices or ()])
            for prompt, context in zip(prompts, contexts, strict=True)
        ]


def _boundary(prompt: Prompt, context: Tokens, wholes: Sequence[Tokens]) -> Encoded:
    if not context:
        raise InputError(
            f"example {prompt.example_id!r}: the prompt is empty and this tokenizer puts no BOS in front, so there "
            "is nothing to predict an answer from. Give the template some text."
        )
    if prompt.choices is None:
        return Encoded(context, None)
    # In sorted order the first and the last share what all share.
    start = shared(min(context, *wholes), max(context, *wholes))
    choices = tuple(whole[start:] for whole in wholes)
    for choice, string in zip(choices, prompt.choices, strict=True):
        if not choice or not start:
            raise InputError(
                f"example {prompt.example_id!r}: the choice {string!r} adds no token to the prompt, so it cannot "
                "be scored. Give its label another verbalizer word."
            )
    return Encoded(context[:start], choices)
