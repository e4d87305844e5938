"""Predictors: prompted models and baselines alike. One line each; imported on use."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

from harness import builtin, params
from harness.errors import InputError, unknown
from harness.prompt import template
from harness.results.vault import Vault
from harness.task.definition import Task
from harness.types import Predictor

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
GIVEN = ("labels", "seed", "vault")  # what the study gives, not the user


def baseline(name: str, task: Task, seed: int = 0, vault: Vault | None = None, **given: Any) -> Predictor:
    """The untrained baseline ``name`` (``NAME`` or ``NAME:MODEL``, a path or hub name) for a task.

    ``given`` are the constructor's parameters; text is read as the type of the parameter's default. ``template`` is a
    template's name: what a causal language model is asked with. Raises InputError for unknown names and values.
    """
    kind, _, model = name.partition(":")
    if kind not in BASELINES:
        raise unknown("baseline", kind, BASELINES)
    known = parameters(kind)
    if model and "model" not in known:
        raise InputError(f"baseline {name!r}: {kind} is trained from nothing and takes no model. Write {kind!r}.")
    for key in given:
        if key not in known:
            raise unknown("parameter", key, known, f"baseline {kind!r}")
    taken = params.parameters(_class(kind))
    chosen = {key: params.read(f"baseline {kind!r}", taken[key], value) for key, value in given.items()}
    if model:
        chosen["model"] = model
    if "template" in known:
        asked = str(chosen.pop("template", "plain"))
        if "template" in given or builtin.find("prompts", task.name, f"{asked}.j2"):
            chosen["template"] = template.load(asked, task)
    if "vault" in taken:
        chosen["vault"] = vault
    made: Predictor = _class(kind)(task.labels, seed=seed, **chosen)
    return made


def parameters(kind: str) -> Mapping[str, Any]:
    """What a user may set of the baseline ``kind``, with the defaults."""
    return {key: each.default for key, each in params.parameters(_class(kind), GIVEN).items()}


def _class(kind: str) -> Any:
    module, _, cls = BASELINES[kind].partition(":")
    return getattr(importlib.import_module(f"harness.predictors.{module}"), cls)
