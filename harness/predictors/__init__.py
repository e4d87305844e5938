"""Predictors: prompted models and baselines alike. One line each; imported on use."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping
from typing import Any

from harness import builtin, template
from harness.errors import InputError, unknown
from harness.task import Task
from harness.types import Predictor
from harness.vault import Vault

BASELINES = {
    "majority": "majority:Majority",
    "tfidf-logreg": "linear:TfidfLogreg",
    "tfidf-svm": "linear:TfidfSvm",
    "embedding": "embedding:Embedding",
    "embedding-knn": "embedding_knn:EmbeddingKnn",
    "setfit": "setfit:SetFit",
    "finetune": "finetune:Finetune",
    "lora": "lora:Lora",
    "prefix-tuning": "prefix_tuning:PrefixTuning",
    "prompt-tuning": "prompt_tuning:PromptTuning",
}
GIVEN = ("self", "labels", "seed", "vault")  # what the study gives, not the user


def baseline(name: str, task: Task, seed: int = 0, vault: Vault | None = None, **params: Any) -> Predictor:
    """The untrained baseline ``name`` (``NAME`` or ``NAME:MODEL``, a path or hub name) for a task.

    ``params`` are the constructor's; text is read as the type of the parameter's default. ``template`` is a template's
    name: what a causal language model is asked with. Raises InputError for unknown names and values.
    """
    kind, _, model = name.partition(":")
    if kind not in BASELINES:
        raise unknown("baseline", kind, BASELINES)
    known = parameters(kind)
    if model and "model" not in known:
        raise InputError(f"baseline {name!r}: {kind} is trained from nothing and takes no model. Write {kind!r}.")
    for key in params:
        if key not in known:
            raise unknown("parameter", key, known, f"baseline {kind!r}")
    chosen = {key: _read(kind, key, value, known[key]) for key, value in params.items()}
    if model:
        chosen["model"] = model
    if "template" in known:
        asked = str(chosen.pop("template", "plain"))
        if "template" in params or builtin.find("prompts", task.name, f"{asked}.j2"):
            chosen["template"] = template.load(asked, task)
    if "vault" in inspect.signature(_class(kind)).parameters:
        chosen["vault"] = vault
    made: Predictor = _class(kind)(task.labels, seed=seed, **chosen)
    return made


def parameters(kind: str) -> Mapping[str, Any]:
    """What a user may set of the baseline ``kind``, with the defaults."""
    found = inspect.signature(_class(kind)).parameters
    return {key: each.default for key, each in found.items() if key not in GIVEN}


def _class(kind: str) -> Any:
    module, _, cls = BASELINES[kind].partition(":")
    return getattr(importlib.import_module(f"harness.predictors.{module}"), cls)


def _read(kind: str, key: str, value: Any, default: Any) -> Any:
    """``value`` as the type of ``default``, where it is text from the command line."""
    if not isinstance(value, str) or isinstance(default, str) or default is None:
        return value
    try:
        if isinstance(default, bool):
            return {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}[value.lower()]
        return type(default)(value)
    except (ValueError, KeyError):
        raise InputError(
            f"baseline {kind!r}: {key}={value!r} is no {type(default).__name__}; its default is {default!r}."
        ) from None
