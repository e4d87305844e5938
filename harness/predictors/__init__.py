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
GIVEN = ("kind", "seed", "vault")  # what the study gives, not the user


def baseline(name: str, task: Task, seed: int = 0, vault: Vault | None = None, **given: Any) -> Predictor:
    """The untrained baseline ``name`` (``NAME`` or ``NAME:MODEL``, a path or hub name) for a task.

    ``given`` are the constructor's parameters; text is read as the type of the parameter's default. ``template`` is a
    template's name: what a causal language model is asked with. Raises InputError for unknown names and values.
    """
    name, _, model = name.partition(":")
    if name not in BASELINES:
        raise unknown("baseline", name, BASELINES)
    if name not in task.kind.baselines:
        raise InputError(
            f"baseline {name!r}: not for a task of kind {task.kind.name}, such as {task.name!r}. For that kind: "
            f"{', '.join(task.kind.baselines)}."
        )
    known = parameters(name)
    if model and "model" not in known:
        raise InputError(
            f"baseline '{name}:{model}': {name} takes no model: it is trained from nothing. Write {name!r}."
        )
    for key in given:
        if key not in known:
            raise unknown("parameter", key, known, f"baseline {name!r}")
    taken = params.parameters(_class(name))
    chosen = {key: params.read(f"baseline {name!r}", taken[key], value) for key, value in given.items()}
    if model:
        chosen["model"] = model
    if "template" in known:
        asked = str(chosen.pop("template", "plain"))
        if "template" in given or builtin.find("prompts", task.name, f"{asked}.j2"):
            chosen["template"] = template.load(asked, task)
    if "vault" in taken:
        chosen["vault"] = vault
    made: Predictor = _class(name)(task.kind, seed=seed, **chosen)
    return made


def parameters(name: str) -> Mapping[str, Any]:
    """What a user may set of the baseline ``name``, with the defaults."""
    return {key: each.default for key, each in params.parameters(_class(name), GIVEN).items()}


def _class(name: str) -> Any:
    module, _, cls = BASELINES[name].partition(":")
    return getattr(importlib.import_module(f"harness.predictors.{module}"), cls)
