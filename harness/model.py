"""Where a model's files lie, and a fingerprint of them: what both engines ask before they load anything."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import cached_property
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any

from harness import builtin
from harness.errors import InputError


@dataclass(frozen=True)
class Model:
    """``name`` is ``tiny`` (the embedded model), a local folder or a hub name; ``revision`` is for hub names."""

    name: str
    revision: str | None = None

    @cached_property
    def path(self) -> str:
        """What ``from_pretrained`` takes."""
        if self.name == "tiny":
            return str(builtin.root() / "models" / "tiny")
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

    @property
    def max_length(self) -> int:
        """Tokens that the model takes in all; unbounded where its configuration names no limit."""
        return int(getattr(self.config.get_text_config(), "max_position_embeddings", sys.maxsize))

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
