"""Engines answer requests. One line each; imported on use."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

from harness import params
from harness.errors import missing_extra, unknown
from harness.models.checkpoint import KEPT
from harness.plugins import Table
from harness.types import Engine

ENGINES = Table(
    "engine",
    "harness.engines",
    "harness.engines",
    {
        "transformers": "transformers:Transformers",
        "vllm": "vllm:Vllm",
        "openai": "openai:OpenAI",
        "null": "null:Null",
    },
)
PACKAGES = {"vllm": "vllm"}  # what an engine needs of the extra that has its name
GIVEN = ("model", "lm", "home")  # what the harness gives, not the user


def choose(name: str) -> str:
    """``auto`` is vLLM where it is installed and a GPU is there, else transformers."""
    if name != "auto":
        return name
    if importlib.util.find_spec("vllm") is None:
        return "transformers"
    import torch

    return "vllm" if torch.cuda.is_available() else "transformers"


def create(name: str, model: str, home: Path = KEPT, /, **options: Any) -> Engine:
    """The engine ``name`` on ``model``; weights are loaded at the first request. What GGUF files are converted to is
    kept below ``home``.

    ``options`` are the constructor's parameters; text is read as their type. Raises InputError for unknown names and
    values."""
    name = choose(name)
    if name not in ENGINES:
        raise unknown("engine", name, ["auto", *ENGINES])
    package = PACKAGES.get(name)
    if package and importlib.util.find_spec(package) is None:
        raise missing_extra(package, name, f"The engine {name!r}")
    kind = ENGINES.find(name)
    known = params.parameters(kind, GIVEN)
    for key in options:
        if key not in known:
            raise unknown(f"option of the engine {name!r}", key, known)
    made: Engine = kind(
        model, home=home, **{key: params.read(f"engine {name!r}", known[key], value) for key, value in options.items()}
    )
    return made
