"""Control tokens: those that only the author of a template may write. In data they are text like any other."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping
from functools import cached_property
from typing import Any

# What the control tokens of common models look like, for where no tokenizer is at hand to ask.
_FORMS = re.compile(
    r"<[|｜][^<>\s|｜]{1,40}[|｜]>|</?s>|<(bos|eos|start_of_turn|end_of_turn|end_of_utterance)>|</?think>"
    r"|\[/?(INST|SYSTEM_PROMPT|THINK|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS)\]|<</?SYS>>"
)


def looks_like(text: str) -> bool:
    """Whether ``text`` holds what is a control token to some common model."""
    return _FORMS.search(text) is not None


# Characters that no text holds: they stand for those of control tokens where these are data's.
_STAND_INS = [*map(chr, range(0xFDD0, 0xFDF0)), *(chr(plane << 16 | 0xFFFE) for plane in range(1, 17))]


class Control:
    """The control tokens of a Hugging Face tokenizer (a fast one): its special tokens, and what else it adds to its
    vocabulary that its chat template names, such as ``<think>``.

    ``guarded`` is that tokenizer with these tokens under other names, which ``mark`` gives them and nobody who writes
    data can: what is unmarked is plain text to it, and all else it encodes as ever. What is data is told from what is
    a template's by rendering it in disguise.
    """

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer, self._nonce = tokenizer, secrets.token_hex(16)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The tokens' texts, a longer one before one that begins it."""
        rust = getattr(self._tokenizer, "backend_tokenizer", None)
        if rust is None or not hasattr(rust, "get_added_tokens_decoder"):
            return ()
        added = rust.get_added_tokens_decoder().values()
        # White space and markup are added to some vocabularies to save tokens; no chat template names them.
        others = [t.content for t in added if not t.special and re.fullmatch(r"[<\[].+[>\]]", t.content)]
        template = str(getattr(self._tokenizer, "chat_template", None) or "") if others else ""
        found = {token.content for token in added if token.special} | {name for name in others if name in template}
        return tuple(sorted(filter(None, found), key=lambda name: (-len(name), name)))

    @cached_property
    def _any(self) -> re.Pattern[str]:
        return re.compile("|".join(map(re.escape, self.names)) or "(?!)")

    @cached_property
    def _stand_ins(self) -> dict[int, str]:
        """What stands for each character without which no control token is written."""
        signs = {c for name in self.names for c in name if not c.isalnum() and not c.isspace()}
        signs |= {name[0] for name in self.names if not signs.intersection(name)}
        return {ord(sign): stand_in for sign, stand_in in zip(sorted(signs), _STAND_INS, strict=False)}

    @cached_property
    def _normalizer(self) -> Any:
        """The tokenizer's normalizer, where it finds control tokens in what that makes of a text."""
        rust = getattr(self._tokenizer, "backend_tokenizer", None)
        if rust is None or rust.normalizer is None:
            return None
        added = rust.get_added_tokens_decoder().values()
        return rust.normalizer if any(token.normalized and token.content in self.names for token in added) else None

    def occurs(self, text: str) -> bool:
        """Whether a control token is in ``text``."""
        return self._found(self._any, text)

    def forged(self, disguised: str) -> bool:
        """Whether a control token is in ``disguised`` that its data make."""
        unmarked = re.compile(f"(?:{self._any.pattern})(?!{self._nonce})")
        return self._found(unmarked, self.reveal(self.mark(disguised)))

    def _found(self, pattern: re.Pattern[str], text: str) -> bool:
        if pattern.search(text):
            return True
        return self._normalizer is not None and pattern.search(self._normalizer.normalize_str(text)) is not None

    def disguise(self, text: str) -> str:
        """``text`` with other characters in place of those that make a control token."""
        return text.translate(self._stand_ins)

    def reveal(self, text: str) -> str:
        """The text that was disguised."""
        return text.translate({ord(stand_in): sign for sign, stand_in in self._stand_ins.items()})

    def mark(self, text: str) -> str:
        """``text`` with each control token marked as a template's."""
        return self._any.sub(lambda hit: hit[0] + self._nonce, text)

    @cached_property
    def guarded(self) -> Any:
        """The library's own tokenizer, with every control token under its marked name."""
        rust = self._tokenizer.backend_tokenizer
        document = json.loads(rust.to_str())
        for added in document["added_tokens"]:
            added["content"] = self._named(added["content"])
        _rename(document["model"], {name: self._named(name) for name in self.names})
        made = type(rust).from_str(json.dumps(document))
        for id_, token in rust.get_added_tokens_decoder().items():
            assert made.token_to_id(self._named(token.content)) == id_
        return made

    def _named(self, name: str) -> str:
        return name + self._nonce if name in self.names else name


def _rename(model: dict[str, Any], names: Mapping[str, str]) -> None:
    """Give pieces of a tokenizer's model other names, in place. A model finds its vocabulary's pieces in any text."""
    if isinstance(model["vocab"], list):
        model["vocab"] = [[names.get(piece, piece), score] for piece, score in model["vocab"]]
    else:
        model["vocab"] = {names.get(piece, piece): id_ for piece, id_ in model["vocab"].items()}
    if model.get("unk_token") in names:
        model["unk_token"] = names[model["unk_token"]]
    if "merges" in model:
        pairs = [pair.split(" ", 1) if isinstance(pair, str) else pair for pair in model["merges"]]
        model["merges"] = [[a, b] for a, b in pairs if not {a, b, a + b} & names.keys()]
