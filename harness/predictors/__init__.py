"""Predictors: prompted models and baselines alike. One line each; imported on use."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from harness import builtin, params
from harness.errors import InputError, unknown
from harness.plugins import Table
from harness.prompt import template
from harness.results.vault import Vault
from harness.task.definition import Task
from harness.types import Predictor

BASELINES = Table(
    "baseline",
    "harness.predictors",
    "harness.baselines",
    {
        "majority": "majority:Majority",
        "tfidf-logreg": "linear:TfidfLogreg",
        "tfidf-svm": "linear:TfidfSvm",
        "embedding": "embedding:Embedding",
        "embedding-knn": "embedding_knn:EmbeddingKnn",
        "setfit": "setfit:SetFit",
        "place": "place:Place",
        "similarity": "similarity:Similarity",
        "dictionary": "dictionary:Dictionary",
        "crf": "crf:Crf",
        "sentence": "sentence:Sentence",
        "operation": "operation:Operation",
        "largest-number": "largest:LargestNumber",
        "last-number": "last_number:LastNumber",
        "copy": "copying:Copy",
        "lead": "lead:Lead",
        "nearest": "nearest:Nearest",
        "extract": "extract:Extract",
        "last-mention": "last_mention:LastMention",
        "finetune": "finetune:Finetune",
        "lora": "lora:Lora",
        "prefix-tuning": "prefix_tuning:PrefixTuning",
        "prompt-tuning": "prompt_tuning:PromptTuning",
    },
)
GIVEN = ("kind", "seed", "vault")  # what the study gives, not the user
OWN = re.compile(r"\+(?=[A-Za-z]\w*=)")  # before a parameter that stands in a baseline's name


def parted(called: str) -> tuple[str, str, dict[str, str]]:
    """``NAME[:MODEL][+PARAMETER=VALUE...]``: name, model and the baseline's own parameters."""
    first, *own = OWN.split(called)
    name, _, model = first.partition(":")
    return name, model, dict(each.split("=", 1) for each in own)


def baseline(name: str, task: Task, seed: int = 0, vault: Vault | None = None, **given: Any) -> Predictor:
    """The untrained baseline ``name`` (``NAME`` or ``NAME:MODEL``, a path or hub name) for a task.

    ``given`` are the constructor's parameters, before which those in the name go (see ``parted``); text is read as the
    type of the parameter's default. ``template`` is a template's name: what a causal language model is asked with.
    Raises InputError for unknown names and values.
    """
    name, model, own = parted(name)
    given |= own
    if name not in BASELINES:
        raise unknown("baseline", name, BASELINES)
    suited = getattr(BASELINES.find(name), "kinds", ())  # what another package adds says for itself what it is for
    if name not in task.kind.baselines and task.kind.name not in suited:
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
    return BASELINES.find(name)
