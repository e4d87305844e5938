"""A LoRA adapter on disk, as peft saves it: what vLLM must know of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any

from harness.errors import InputError

RANKS = (8, 16, 32, 64, 128, 256, 320, 512)  # that vLLM reserves room for
FILES = ("adapter_config.json", "adapter_model.safetensors")


@dataclass(frozen=True)
class Adapter:
    """The adapter in the folder ``path``: one of peft's, or a model that the baseline ``lora`` trained."""

    path: str

    @cached_property
    def config(self) -> dict[str, Any]:
        """Its configuration. Raises InputError where there is no LoRA adapter."""
        folder = Path(self.path)
        for name in FILES:
            if not (folder / name).is_file():
                raise InputError(
                    f"lora {self.path!r}: {folder} holds no {name}, so it is no adapter's folder. Give one that peft "
                    "saved, such as results/models/HASH of the baseline lora."
                )
        try:
            found = json.loads((folder / FILES[0]).read_text(encoding="utf-8"))
            kind, _ = found["peft_type"], int(found["r"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"{folder / FILES[0]}: is no configuration of a LoRA adapter ({error}).") from None
        if kind != "LORA":
            raise InputError(f"lora {self.path!r}: it is an adapter of the kind {kind}. vLLM takes LoRA only.")
        return dict(found)

    @property
    def room(self) -> int:
        """The least rank vLLM can be told that the adapter fits in."""
        rank = max([int(self.config["r"]), *map(int, (self.config.get("rank_pattern") or {}).values())])
        fitting = [each for each in RANKS if each >= rank]
        if not fitting:
            raise InputError(f"lora {self.path!r}: its rank is {rank}; vLLM takes {RANKS[-1]} at most.")
        return fitting[0]

    @cached_property
    def fingerprint(self) -> str:
        """A hash over the content of what can change an answer."""
        _ = self.config
        whole = sha256()
        for name in FILES:
            with (Path(self.path) / name).open("rb") as file:
                whole.update(name.encode() + file_digest(file, "sha256").digest())
        return whole.hexdigest()[:12]

    def request(self) -> Any:
        """What goes with each of vLLM's requests."""
        from vllm.lora.request import LoRARequest

        return LoRARequest(self.fingerprint, 1, str(Path(self.path).resolve()))
