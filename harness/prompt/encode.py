"""Text to tokens: where the context ends and a choice begins is decided here, and nowhere else."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from harness.errors import InputError
from harness.prompt import ending
from harness.prompt.chat import Chat
from harness.prompt.control import Control
from harness.prompt.template import Template
from harness.tokens import shared
from harness.types import Message, Messages, Prompt, Tokens

BATCH = 1024  # texts tokenized at once: what the tokenizer says of each is large


@dataclass(frozen=True, slots=True)
class Encoded:
    """A prompt's tokens and, when it has choices, the tokens of each choice after it."""

    prompt: Tokens
    choices: tuple[Tokens, ...] | None


class Encoder:
    """Wraps a Hugging Face tokenizer (a fast one) for the prompts of ``template``. Control tokens in data are text to
    it. With ``scores`` the prompts' choices are to be scored: no thought is left open before them, and where one begins
    another, the end of an answer is scored with each. With ``ends`` it always is."""

    def __init__(
        self, tokenizer: Any, template: Template | None = None, scores: bool = True, ends: bool = False
    ) -> None:
        self.tokenizer, self._template, self._scores, self._ends = tokenizer, template, scores, ends
        kwargs = template.settings.chat_template_kwargs if template else {}
        self._control, self._chat = Control(tokenizer), Chat(tokenizer, kwargs)

    def text(self, content: str | Messages) -> str:
        """The prompt as one string: a chat goes through the tokenizer's chat template, once."""
        if isinstance(content, str):
            return content
        text = self._chat.text(content)
        return self._chat.answering(text) if self._scores else text

    def sent(self, prompt: Prompt) -> str:
        """The prompt as the string that is encoded, with the BOS that the tokenizer puts in front."""
        text = self.text(prompt.content)
        front = "" if self._bos is None else str(self.tokenizer.bos_token)
        return text if text.startswith(front) else front + text

    @cached_property
    def _bos(self) -> int | None:
        """The BOS id, if this tokenizer puts one in front of a text."""
        bos = self.tokenizer.bos_token_id
        return bos if bos is not None and bos in self.tokenizer.encode("") else None

    @cached_property
    def _rust(self) -> Any:
        """The library's own tokenizer, where there is one: the wrapper around it costs as much again."""
        rust = getattr(self.tokenizer, "backend_tokenizer", None)
        return rust if hasattr(rust, "encode_batch_fast") else None

    def tokens(self, texts: Sequence[str]) -> list[Tokens]:
        """Token ids of each text, with one BOS where the tokenizer uses one, never two, and no EOS."""
        return self._tokens(texts, self._rust)

    def _tokens(self, texts: Sequence[str], rust: Any, follows: str = "") -> list[Tokens]:
        """With ``follows``, which comes after each text, the tokens as far as the first that reaches into it."""
        rows = []
        for start in range(0, len(texts), BATCH):
            batch = list(texts[start : start + BATCH])
            ids = _ended(batch, rust, follows) if follows else self._ids(batch, rust)
            rows += [row if self._bos is None or row[:1] == (self._bos,) else (self._bos, *row) for row in ids]
        return rows

    def _ids(self, texts: list[str], rust: Any) -> Iterator[Tokens]:
        if rust is None:
            yield from map(tuple, self.tokenizer(texts, add_special_tokens=False)["input_ids"])
            return
        _whole(rust)
        yield from (tuple(found.ids) for found in rust.encode_batch_fast(texts, add_special_tokens=False))

    def encode(self, prompts: Sequence[Prompt]) -> list[Encoded]:
        """Context and context+choice are encoded together. Where the context's tokens are not a prefix of each (a
        tokenizer may merge across the boundary), scoring starts at the longest prefix that all share."""
        guarded = [self._guarded(prompt) for prompt in prompts]
        clean = [prompt for prompt, marked in zip(prompts, guarded, strict=True) if marked is None]
        texts = [self.text(prompt.content) for prompt in clean]
        found = iter(self._encode(clean, texts, self._rust, self.follows))
        if len(clean) == len(prompts):
            return list(found)
        forged = [prompt for prompt, marked in zip(prompts, guarded, strict=True) if marked is not None]
        texts = [marked for marked in guarded if marked is not None]
        others = iter(self._encode(forged, texts, self._control.guarded, self._control.mark(self.follows)))
        return [next(found if marked is None else others) for marked in guarded]

    def _encode(self, prompts: Sequence[Prompt], texts: Sequence[str], rust: Any, follows: str) -> Iterator[Encoded]:
        wholes = [text + choice for text, prompt in zip(texts, prompts, strict=True) for choice in prompt.choices or ()]
        contexts, continued = self._tokens(texts, rust), iter(self._tokens(wholes, rust, follows))
        for prompt, context in zip(prompts, contexts, strict=True):
            yield _boundary(prompt, context, [next(continued) for _ in prompt.choices or ()])

    def _guarded(self, prompt: Prompt) -> str | None:
        """The prompt as one string with its templates' control tokens marked, where its data hold some; else None."""
        control, choices = self._control, prompt.choices or ()
        if not any(map(control.occurs, (*_texts(prompt.content), *choices))):
            return None
        shown = prompt.written(control.disguise) if prompt.written else _each(prompt.content, control.disguise)
        if _each(shown, control.reveal) != prompt.content:  # the template looks at these characters: all may be data's
            shown = _each(prompt.content, control.disguise)
        if not any(map(control.forged, (*_texts(shown), *map(control.disguise, choices)))):
            return None
        return control.reveal(control.mark(self.text(shown)))

    def forged(self, prompt: Prompt) -> bool:
        """Whether the prompt's data hold control tokens."""
        return self._guarded(prompt) is not None

    @cached_property
    def _probe(self) -> str | Messages | None:
        """A prompt with a demonstration, both of placeholders; None where the template or the model takes none."""
        if self._template is None:
            return None
        try:
            content = self._template.demonstration(ending.ANSWER, ending.ITEM)
            self.text(content)
        except InputError:
            return None
        return content

    @cached_property
    def follows(self) -> str:
        """What follows an answer as the template writes it, else EOS, where one choice begins another in text or in
        tokens; else empty, and nothing is scored with a choice."""
        if self._template is None or not (self._ends or (self._scores and self._begin_one_another)):
            return ""
        probe, found = self._probe, ""
        if probe is not None:
            found = ending.follows(self.text(probe))
            if not found and not isinstance(probe, str):
                found = ending.follows(self._chat.whole(ending.answered(probe)))
        return found or self.tokenizer.eos_token or "\n"

    @property
    def _begin_one_another(self) -> bool:
        """Whether one of the template's choices may be the beginning of another."""
        assert self._template is not None
        probe = self._probe
        answers = self._template.task.kind.answers(self._template.words)
        # Where each item has answers of its own, one of them may begin another.
        if answers is not None and not ending.begin_one_another(answers):
            if probe is None:
                return False
            text = self.text(probe)
            return ending.begin_one_another(
                self.tokens([text + choice for choice in self._template.joined(probe, answers)])
            )
        return True

    @cached_property
    def end(self) -> str:
        """The part of what follows an answer that is scored with each choice: its first token's text."""
        if not self.follows:
            return ""
        (row,) = self._rust.encode_batch([ending.ANSWER + self.follows], add_special_tokens=False)
        reach = next(end for _, end in row.offsets if end > len(ending.ANSWER))
        return self.follows[: reach - len(ending.ANSWER)]

    @cached_property
    def manner(self) -> Mapping[str, str]:
        """What becomes of the template's prompts besides, as it stands in signatures."""
        found = {"end": json.dumps(self.end, ensure_ascii=False)} if self.follows else {}
        if self._probe is None or isinstance(self._probe, str):
            return found
        if self._chat.folds and any(message.role == "system" for message in self._probe):
            found["system"] = "in-user"
        if self._scores and self._chat.text(self._probe) != self.text(self._probe):
            found["thought"] = "closed"
        return found


def _texts(content: str | Messages) -> Sequence[str]:
    return [content] if isinstance(content, str) else [message.content for message in content]


def _each(content: str | Messages, done: Callable[[str], str]) -> str | Messages:
    """``content`` with something done to its texts."""
    if isinstance(content, str):
        return done(content)
    return tuple(Message(message.role, done(message.content)) for message in content)


def _whole(rust: Any) -> None:
    rust.no_truncation()  # a call of the wrapper may have left either on
    rust.no_padding()


def _ended(texts: list[str], rust: Any, follows: str) -> Iterator[Tokens]:
    """The tokens of each text before ``follows``, as far as the first that reaches into it."""
    _whole(rust)
    found = rust.encode_batch([text + follows for text in texts], add_special_tokens=False)
    for text, row in zip(texts, found, strict=True):
        reach = (place for place, (_, end) in enumerate(row.offsets, 1) if end > len(text))
        yield tuple(row.ids[: next(reach, None)])


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
    if len(set(choices)) < len(choices):
        same = [repr(text) for text, ids in zip(prompt.choices, choices, strict=True) if choices.count(ids) > 1]
        raise InputError(
            f"example {prompt.example_id!r}: the choices {' and '.join(same)} are the same tokens to this model, so it "
            "cannot tell them apart. Give these labels other verbalizer words."
        )
    return Encoded(context[:start], choices)
