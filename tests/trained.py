"""Baselines trained no more than a test asks for, and what they say."""

import shutil

import numpy as np

from harness import predictors
from harness.models.checkpoint import Model

# Enough to learn what these tests ask for, and no more.
CHEAP = {
    "setfit": {"max_pairs": 96},
    "finetune": {"min_steps": 30, "epochs": 2, "lr": 1e-4},
    "lora": {"min_steps": 30, "epochs": 2},
    "prefix-tuning": {"min_steps": 10, "epochs": 1},
    "prompt-tuning": {"min_steps": 10, "epochs": 1},
}


SHORT = {"epochs": 1, "min_steps": 2}


def cheap(name, task, **params):
    return predictors.baseline(name, task, **{**CHEAP.get(name.partition(":")[0], {}), **params})


def said(predictor, items):
    return [(p.output, p.label_logprobs) for p in predictor.predict(items)]


def accuracy(predictor, items):
    found = {p.example_id: p.output for p in predictor.predict(items)}
    return np.mean([found[e.id] == e.target for e in items])


def copied(tmp_path, name):
    folder = tmp_path / name
    shutil.copytree(Model(name).path, folder)
    return folder


def stated(predictor, items):
    return np.array([p.label_logprobs for p in predictor.predict(items)])
