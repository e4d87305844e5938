"""Made-up runs, sealed nowhere, that are right on as many items as asked for."""

import math

import numpy as np

from harness import metrics
from harness.compare import estimate
from harness.kinds.classification import Classification
from harness.results import store
from harness.results.store import Run
from harness.types import Example, Prediction, Signature, Status

LABELS = ("good", "bad", "so_so")
KIND = Classification(labels=list(LABELS))


NAMES = ("accuracy", "macro-f1")


SIGNED = ("predictor", "template", "shots", "order", "mode", "model", "n_train", "seed")


def run(
    name="r",
    hits=0.7,
    n=120,
    seed=0,
    draw=0,
    clusters=None,
    stated=True,
    history=(),
    unparsed=0,
    mentioned=None,
    signed=SIGNED,
    **spec,
):
    """A run whose answers are right on a share ``hits`` of the items, drawn by ``draw``."""
    rng = np.random.default_rng(draw)
    examples = tuple(
        Example(f"i{i}", {}, LABELS[i % 3], clusters and f"d{i // clusters}", {"kind": "xy"[i % 2]}) for i in range(n)
    )
    predictions = []
    for i, example in enumerate(examples):
        place = i % 3 if rng.random() < hits else (i + 1) % 3
        logprobs = tuple(math.log(0.8 if j == place else 0.1) for j in range(3)) if stated else None
        if i < unparsed:
            named = example.target if mentioned == "target" else mentioned
            predictions.append(Prediction(example.id, None, Status.UNPARSED, mentioned=named))
        else:
            predictions.append(Prediction(example.id, LABELS[place], label_logprobs=logprobs))
    scores = {}
    for metric in (metrics.create(each, KIND) for each in NAMES):
        table = metric.statistics(examples, predictions)
        (found,) = estimate.estimates(metric, [table], store.clusters(examples))
        scores[metric.names[0]] = (found.value, found.low, found.high)
    whole = {
        "predictor": "prompt",
        "template": "plain",
        "selector": "balanced",
        "shots": 5,
        "order": "ascending",
        "model": "org/some_model",
        "seed": seed,
        "split": "test",
        "n": n,
        "n_train": 300,
        "train_size": None,
        "main_metric": "macro-f1",
        **spec,
    }
    if whole["predictor"] != "prompt":
        whole |= {"template": None, "selector": None, "shots": None, "order": None}
    signature = Signature.of(**{key: whole.get(key) for key in signed})
    if whole["shots"]:
        signature += Signature.of(selector=f"{whole['selector']}(seed={seed})")
    usage = {"computed_tokens": 1000, "generated_tokens": 0, "seconds": 1.5, "submitted_tokens": 9, "trie_tokens": 9}
    counts = {"ok": n - unparsed, "unparsed": unparsed}
    return Run(
        f"{name}-{seed}-{draw}",
        "news_task",
        whole,
        signature,
        f"items-{n}",
        KIND,
        tuple(predictions),
        examples,
        scores,
        usage,
        counts,
        {},
        history,
    )


def baseline(name="svm", **params):
    return run(**{"predictor": name, "model": None, "hits": 0.6, "draw": 7, **params})
