"""An engine that answers at once: what is left of a run's time is the harness's own."""

from __future__ import annotations

import json
import sys
from collections.abc import Container, Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from harness.engines import trie
from harness.errors import InputError
from harness.models.checkpoint import KEPT, Model
from harness.types import Answer, Request, Usage

TEXT = "null"
TAIL = 8  # tokens of a prompt that its scores hang on: prompts may be long, and their ends differ
SPREAD = 9973  # distinct pseudo log-probabilities, a prime


class Vocabulary:
    """The tokenizer of a model folder without transformers, whose import takes longer than all else in a run; what only
    transformers knows, such as chat templates, is asked of its tokenizer."""

    def __init__(self, folder: Path, model: Model) -> None:
        from tokenizers import Tokenizer

        self._model = model
        self.backend_tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        found = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8")).get("bos_token")
        bos = found.get("content") if isinstance(found, dict) else found
        self.bos_token_id = None if bos is None else self.backend_tokenizer.token_to_id(bos)

    def __call__(self, texts: list[str], add_special_tokens: bool = True) -> dict[str, list[list[int]]]:
        rows = self.backend_tokenizer.encode_batch_fast(texts, add_special_tokens=add_special_tokens)
        return {"input_ids": [row.ids for row in rows]}

    def encode(self, text: str) -> list[int]:
        return self([text])["input_ids"][0]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model.tokenizer, name)


class Null:
    """Answers at once and computes no token. It exists for measuring: what a run on it takes is the harness's own time
    and memory. Its scores mean nothing.

    It reads prompts with the tokenizer of ``model``, a local folder or ``tiny``, has its length, and loads no weights.
    A choice's pseudo log-probabilities are a function of its tokens and of the prompt's length and end, so that results
    repeat; what is generated is always the same. ``revision``, ``dtype`` and ``trust_remote_code`` are taken as by
    other engines, and change nothing.
    """

    def __init__(
        self,
        model: str,
        revision: str | None = None,
        dtype: str = "auto",
        trust_remote_code: bool = False,
        home: Path = KEPT,
    ) -> None:
        self.model = Model(model, home=home)

    @property
    def identity(self) -> Mapping[str, str]:
        return {"model": "null", "tokenizer": self.model.name, "engine": "null"}

    @cached_property
    def tokenizer(self) -> Any:
        folder = self._file("tokenizer.json").parent
        path = self._file("tokenizer_config.json")
        with self.model.reading(f"{path} does not describe a tokenizer."):
            return Vocabulary(folder, self.model)

    @cached_property
    def max_length(self) -> int:
        """Tokens of prompt and answer together that the model would take; unbounded where its configuration names no
        limit."""
        path = self._file("config.json")
        with self.model.reading(f"{path} does not say how long a text the model takes."):
            config = json.loads(path.read_text(encoding="utf-8"))
            return int(config.get("text_config", config).get("max_position_embeddings", sys.maxsize))

    def _file(self, name: str) -> Path:
        path = Path(self.model.path) / name
        if not path.is_file():
            raise InputError(
                f"model {self.model.name!r}: the engine 'null' reads a local model folder, and {path} is missing."
            )
        return path

    def score(self, requests: Iterable[Request], known: Container[str] = ()) -> Iterator[Answer]:
        """Pseudo log-probabilities in (-8, 0) for every choice's tokens, in the order asked."""
        for request in requests:
            if request.key in known:
                continue
            assert request.choices is not None
            seed = len(request.prompt) + 31 * sum(request.prompt[-TAIL:])
            scores = tuple(
                tuple(_pseudo(seed, place, token) for place, token in enumerate(choice)) for choice in request.choices
            )
            yield Answer(request.key, choice_logprobs=scores, usage=Usage(trie.submitted(request)))

    def generate(self, requests: Iterable[Request], known: Container[str] = ()) -> Iterator[Answer]:
        """The same short text for every request."""
        for request in requests:
            if request.key in known:
                continue
            yield Answer(request.key, TEXT, "stop", usage=Usage(len(request.prompt)))


def _pseudo(seed: int, place: int, token: int) -> float:
    return -8 * ((seed + 7919 * (token + 1) * (place + 1)) % SPREAD + 1) / (SPREAD + 1)
