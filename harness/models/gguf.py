"""A model in one GGUF file, as llama.cpp keeps them: converted once to a folder that every engine loads."""

from __future__ import annotations

import importlib.util
import io
import sys
from contextlib import nullcontext, redirect_stderr
from dataclasses import dataclass
from functools import cached_property
from hashlib import file_digest
from importlib.metadata import version
from pathlib import Path
from typing import Any

from harness.errors import InputError, missing_extra
from harness.models.gguf_header import Header
from harness.models.quiet import quiet
from harness.results.vault import Unkept, Vault
from harness.types import Signature

PACKAGES = ("gguf", "accelerate")  # of the extra ``gguf``: what transformers reads these files with
ELSE = "Use another file of the model, or its folder of safetensors."


def packaged(package: str) -> Path | None:
    """The GGUF file that lies in an installed ``package``, none of whose code is run; None where there is none."""
    found = importlib.util.find_spec(package)
    folders = (found.submodule_search_locations if found else None) or ()
    return next((file for folder in folders for file in sorted(Path(folder).glob("*.gguf"))), None)


@dataclass(frozen=True)
class Gguf:
    """The model ``name`` in the file ``path``. What is raised is an InputError that names it."""

    name: str
    path: Path

    @cached_property
    def header(self) -> Header:
        try:
            return Header.read(self.path)
        except OSError as error:
            raise InputError(
                f"model {self.name!r}: {self.path} cannot be read: {error.strerror}. Check the path."
            ) from None
        except ValueError as error:
            raise InputError(
                f"model {self.name!r}: {self.path} is no whole GGUF file: {error}. Give one, or a model's folder; if "
                "it was downloaded, fetch it again."
            ) from None

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the file."""
        _ = self.header
        with self.path.open("rb") as file:
            return file_digest(file, "sha256").hexdigest()

    @property
    def quantization(self) -> str:
        return self.header.quantization

    def _key(self, vault: Vault) -> str:
        made_by = Signature.of(gguf=self.digest, dtype="float32", transformers=version("transformers"))
        return vault.key(made_by, ())

    def kept(self, vault: Vault) -> Path | None:
        """What ``folder`` made before, if ``vault`` keeps it."""
        return vault.fetch(self._key(vault))

    def folder(self, vault: Vault) -> Path:
        """The model in float32 with its tokenizer, chat template and generation config, as ``vault`` keeps it; made
        where it is not there. Of two processes that want it at once, one makes it and the other waits."""
        key, kept = self._key(vault), self.kept(vault)
        if kept is not None:
            return kept
        self._check()
        try:
            with vault.turn(key):
                return vault.fetch(key) or vault.store(key, self._convert)
        except (OSError, Unkept) as error:
            raise InputError(
                f"model {self.name!r}: what it is converted to cannot be written below {vault.root}: "
                f"{_said(error.__cause__ or error)} Give another folder with --results."
            ) from None

    def _check(self) -> None:
        """Raises InputError for a file of which transformers would read less than it holds."""
        for package in PACKAGES:
            if importlib.util.find_spec(package) is None:
                raise missing_extra(package, "gguf", f"Reading the GGUF file of the model {self.name!r}")
        from gguf import GGML_QUANT_SIZES

        head, size = self.header, self.path.stat().st_size
        if head.number("split.count", 0) > 1:
            raise self._unread("it is one part of several. Join them: llama-gguf-split --merge FIRST-PART WHOLE.")
        sizes = {int(kind): sizes for kind, sizes in GGML_QUANT_SIZES.items()}
        for tensor in head.tensors:
            if tensor.type not in sizes:
                raise self._unread(f"{tensor.name} is stored in the unknown type {tensor.type}. {ELSE}")
            block, width = sizes[tensor.type]
            if head.start + tensor.offset + tensor.elements // block * width > size:
                raise self._unread(f"it ends within {tensor.name}, so it was cut off. Fetch it again.")
        scaled = [tensor.name for tensor in head.tensors if tensor.name.startswith("rope_")]
        scaled += [key for key, value in head.values.items() if key.endswith(".rope.scaling.type") and value != "none"]
        if scaled and head.architecture != "gpt-oss":
            raise self._unread(
                f"it scales positions ({scaled[0]}), which transformers leaves out when it reads a GGUF file, so that "
                "what it answered would not be the model's answer. Use the model's folder of safetensors."
            )

    def _convert(self, folder: Path) -> None:
        # Not a terminal: no bars. Some are transformers' own, and one is written past its switch for them.
        hidden = nullcontext() if sys.stderr.isatty() else redirect_stderr(io.StringIO())
        with quiet(), hidden:
            try:
                network, tokenizer, missing = self._read()
            except Exception as error:  # of any kind: what is in the file decides
                raise self._unread(f"{_said(error)} {ELSE}") from None
            if missing:
                raise self._unread(f"it has no {missing[0]}, which a {self.header.architecture} needs. {ELSE}")
            network.save_pretrained(folder)
            tokenizer.save_pretrained(folder)

    def _read(self) -> tuple[Any, Any, list[str]]:
        """The network, its tokenizer, and the names of weights that the file does not hold."""
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer
        from transformers.utils import quantization_config

        where: dict[str, Any] = {"gguf_file": self.path.name, "trust_remote_code": False}
        tokenizer = AutoTokenizer.from_pretrained(self.path.parent, **where)
        plain = getattr(quantization_config, "GgufConfig", None)  # older releases have no other way than plain
        if plain is not None:
            where["quantization_config"] = plain(dequantize=True)
        network, info = AutoModelForCausalLM.from_pretrained(
            self.path.parent, dtype=torch.float32, output_loading_info=True, **where
        )
        # It holds plain numbers now, and must not say otherwise: it could not be saved, or not be loaded.
        network.hf_quantizer = None
        if hasattr(network.config, "quantization_config"):
            del network.config.quantization_config
        self._begin(tokenizer)
        return network, tokenizer, sorted(info["missing_keys"])

    def _begin(self, tokenizer: Any) -> None:
        """Have ``tokenizer`` put a BOS in front of a text as the file says, a word that transformers passes over."""
        from tokenizers.processors import TemplateProcessing

        said, bos = self.header.values.get("tokenizer.ggml.add_bos_token"), tokenizer.bos_token
        if said is None or bos is None or bool(said) == (tokenizer.encode("")[:1] == [tokenizer.bos_token_id]):
            return
        tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
            single=[bos, "$A"] if said else ["$A"], special_tokens=[(bos, tokenizer.bos_token_id)]
        )

    def _unread(self, why: str) -> InputError:
        return InputError(
            f"model {self.name!r}: {self.path} ({self.header.architecture}, {self.quantization}) cannot be read: {why}"
        )


def _said(error: BaseException) -> str:
    """The first line of an error's text, as a sentence."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0].rstrip(".") + "."
