"""Pages of made-up results, of any size: what `data.d.ts` promises, without a model."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np

from harness.page.html import assemble

LABELS = ("negative", "neutral", "positive")
WORDS = [
    "the",
    "bank",
    "rates",
    "rise",
    "fall",
    "of",
    "loan",
    "market",
    "quarter",
    "profit",
    "company",
    "shares",
    "sees",
    "warns",
    "in",
    "and",
    "on",
    "strong",
    "weak",
]
SORTS = ("prompt", "trained", "recorded")


def page(*tables: dict[str, Any], title: str = "harness: made up") -> str:
    """The file of these tables, as ``classes`` and ``texts`` make them."""
    summary = {
        "version": 1,
        "title": title,
        "harness": "0.1.0",
        "command": "harness report --page made-up.html",
        "tables": [each["table"] for each in tables],
    }
    blocks: list[tuple[str, Any]] = [("summary", summary)]
    for place, each in enumerate(tables):
        blocks += [(f"items-{place}", each["items"]), (f"texts-{place}", each["texts"])]
        blocks += [(f"answers-{place}-{row}", said) for row, said in enumerate(each["answers"])]
        blocks += [(f"prompts-{place}-{row}", made) for row, made in enumerate(each["prompts"]) if made]
    return assemble(title, blocks)


def classes(n: int = 200, rows: int = 4, labels: Sequence[str] = LABELS, texts: Sequence[str] = ()) -> dict[str, Any]:
    """A table of a kind with classes; the items' ``texts`` come round again, and are random words without."""
    rng = np.random.default_rng(n)
    truth = rng.integers(len(labels), size=n)
    said = [
        np.where(rng.random(n) < 0.85 - 0.08 * row, truth, rng.integers(len(labels), size=n)) for row in range(rows)
    ]
    if rows > 1:
        said[1][:: max(n // 5, 2)] = -1  # unparsed
    scores = [np.asarray(each == truth, float) for each in said]
    parts = [truth.tolist(), (np.arange(n) % 2).tolist()]
    cuts = [_cut("label", labels, parts[0], scores), _cut("length", ("short", "long"), parts[1], scores)]
    table = _table("labels", scores, cuts, labels, graded=False)
    table["classes"] = {"truth": list(labels), "said": [*labels, "none"]}
    table["curves"] = _curves(table["rows"])
    table["crossover"] = _crossover()
    table["suspects"] = _suspects(said, truth, labels)
    items = _items(n, truth, labels, parts)
    items["rows"] = [
        {
            "outputs": _coded(labels, each),
            "status": _coded(("ok", "unparsed"), (each < 0).astype(int)),
            "scores": own.tolist(),
            "confused": (truth * (len(labels) + 1) + np.where(each < 0, len(labels), each)).tolist(),
            "stated": [
                [[int(code), 812], [int(code + 1) % len(labels), 101]] if code >= 0 else [] for code in each.tolist()
            ]
            if row == 0
            else None,
        }
        for row, (each, own) in enumerate(zip(said, scores, strict=True))
    ]
    answers = [_answers(n, [f"Answer: {labels[c]}" if c >= 0 else "I cannot say." for c in each]) for each in said]
    return _put(table, items, answers, list(texts) or _random(rng, n), labels)


def graded(n: int = 60, texts: Sequence[str] = (), outputs: Sequence[str] = (), rows: int = 2) -> dict[str, Any]:
    """A table of a kind whose answers are more or less good texts."""
    rng = np.random.default_rng(n)
    scores = [np.round(rng.random(n), 3) for _ in range(rows)]
    parts = [(np.arange(n) % 3).tolist()]
    targets = list(texts) or _random(rng, n)
    table = _table("texts", scores, [_cut("topic", ("rates", "loans", "shares"), parts[0], scores)], (), graded=True)
    items = _items(n, np.arange(n) % len(targets), targets, parts)
    said = list(outputs) or [text.replace("the", "a", 1) + " indeed" for text in targets]
    items["rows"] = [
        {
            "outputs": _coded(said, np.arange(n) % len(said)),
            "status": _coded(("ok",), np.zeros(n, int)),
            "scores": own.tolist(),
            "confused": None,
            "stated": None,
        }
        for own in scores
    ]
    return _put(table, items, [_answers(n, [None] * n) for _ in scores], list(texts) or _random(rng, n), ())


def spans(
    texts: Sequence[str], marks: Sequence[Sequence[list[Any]]], said: Sequence[Sequence[list[Any]]]
) -> dict[str, Any]:
    """A table of two rows whose answers are stretches of a text: the right ones, and those of the second row."""
    made = graded(len(texts), texts=texts)
    made["texts"]["marks"] = list(marks)
    for answers, own in zip(made["answers"], (marks, said), strict=True):
        answers["marks"] = list(own)
    return made


def _put(table: Any, items: Any, answers: Any, texts: Sequence[str], labels: Sequence[str]) -> dict[str, Any]:
    n, rows = table["n"], len(table["rows"])
    demos = {
        f"train-{i}": {"inputs": {"text": text}, "target": (labels or texts)[0]} for i, text in enumerate(texts[:3])
    }
    prompts = {
        "lines": ["<s>Say what it is.\n", "\n", *texts],
        "heads": [[0, 1]],
        "items": [[0, 2 + i % len(texts)] for i in range(n)],
        "exact": True,
    }
    return {
        "table": table,
        "items": items,
        "texts": {
            "inputs": [{"name": "text", "texts": [texts[i % len(texts)] for i in range(n)]}],
            "options": None,
            "marks": None,
            "demos": demos,
        },
        "answers": answers,
        "prompts": [prompts if row % 2 == 0 else None for row in range(rows)],
    }


def _table(task: str, scores: list[Any], cuts: Any, labels: Sequence[str], graded: bool) -> dict[str, Any]:
    n = len(scores[0])
    named = [f"model {row}, 5 shots" for row in range(len(scores))]
    means = [_bounds(own) for own in scores]
    return {
        "task": task,
        "metric": "chrF" if graded else "macro-f1",
        "n": n,
        "kind": {
            "name": task,
            "graded": graded,
            "score": "chrF" if graded else "accuracy",
            "nothing": "none",
            "outputs": list(labels),
        },
        "header": ["predictor", "data", "score", "difference", "tokens"],
        "footer": [f"{n} items. Intervals are of 95 %, over items.", "p values are of paired tests."],
        "rows": [
            {
                "title": name,
                "label": name,
                "cells": [
                    name,
                    "5 shots",
                    f"{mean[0]:.3f} [{mean[1]:.3f}, {mean[2]:.3f}]",
                    "reference",
                    f"{1000 * row:,}",
                ],
                "signatures": [f"task={task} seed={row}"],
                "sort": SORTS[row % 3],
                "score": mean,
                "mean": mean,
                "seconds": 0.5 * 10**row,
                "tokens": 1000 * row,
                "cost": 0.01 * row if row else None,
                "stated": row == 0 and not graded,
                "show": ["harness", "show", "--task", task, "--item"] if row % 2 == 0 else None,
            }
            for row, (name, mean) in enumerate(zip(named, means, strict=True))
        ],
        "reference": 0,
        "first": [0, 1] if len(scores) > 1 else [0, 0],
        "pairs": [
            {
                "a": a,
                "b": b,
                "gap": _bounds(scores[a] - scores[b]),
                "gapOfItems": _bounds(scores[a] - scores[b]),
                "p": 0.0123,
                "adjusted": 0.0456,
                "looked": 3,
                "words": [f"A ({a}) differs from B ({b}).", f"B ({a}) differs from A ({b})."],
            }
            for a, b in combinations(range(len(scores)), 2)
        ],
        "cuts": cuts,
        "classes": None,
        "curves": [],
        "crossover": None,
        "suspects": None,
        "notes": [],
    }


def _items(n: int, truth: Any, targets: Sequence[str], parts: list[Any]) -> dict[str, Any]:
    return {
        "ids": [f"item-{i}" for i in range(n)],
        "targets": _coded(targets, truth),
        "clusters": None,
        "tags": {"source": _coded(("news", "mail"), np.arange(n) % 3 - 1)},
        "parts": parts,
    }


def _coded(values: Sequence[str], codes: Any) -> dict[str, Any]:
    """Texts that recur, each once, of those that there are."""
    named = [values[code] if code >= 0 else None for code in codes.tolist()]
    places = {name: place for place, name in enumerate(dict.fromkeys(name for name in named if name is not None))}
    return {"values": list(places), "codes": [-1 if name is None else places[name] for name in named]}


def _answers(n: int, raw: list[Any]) -> dict[str, Any]:
    return {
        "raw": raw,
        "thought": [None] * n,
        "shown": ["train-0", "train-2"],
        "demos": [0, 1],
        "marks": None,
        "tokens": [40 + i % 7 for i in range(n)],
        "seconds": None,
    }


def _cut(by: str, names: Sequence[str], parts: list[int], scores: list[Any]) -> dict[str, Any]:
    inside = [np.asarray(parts) == place for place in range(len(names))]
    pairs = list(combinations(range(len(scores)), 2))
    return {
        "by": by,
        "parts": [
            {
                "name": name,
                "n": int(own.sum()),
                "rows": [_bounds(each[own]) for each in scores],
                "gaps": [_bounds((scores[a] - scores[b])[own]) for a, b in pairs],
                "ps": [round(0.01 * (place + 1), 3) for _ in pairs],
                "adjusted": [round(0.05 * (place + 1), 3) for _ in pairs],
            }
            for place, (name, own) in enumerate(zip(names, inside, strict=True))
        ],
    }


def _curves(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    def line(name: str, across: str, places: Sequence[int]) -> dict[str, Any]:
        points = [{"x": x, "score": rows[i % len(rows)]["score"], "row": i % len(rows)} for i, x in enumerate(places)]
        return {"name": name, "across": across, "points": points}

    return [
        line("template one", "shots", (0, 1, 5, 10)),
        line("template two", "shots", (1, 5)),
        line("tfidf-logreg", "n_train", (10, 30, 100, 300)),
    ]


def _crossover() -> dict[str, Any]:
    fitted = [_point(x, 0.3 + 0.15 * np.log10(x)) for x in np.geomspace(10, 3000, 40).round(1).tolist()]
    flat = [_point(x, 0.7) for x in (10, 3000)]
    return {
        "sentences": ["tfidf-logreg overtakes template one at 460 examples."],
        "lines": [
            {"name": "tfidf-logreg", "sort": "trained", "points": fitted},
            {"name": "template one", "sort": "prompt", "points": flat},
        ],
        "crossings": [{"baseline": "tfidf-logreg", "prompt": "template one", "at": [460, 210, None]}],
    }


def _point(x: float, value: float) -> dict[str, Any]:
    value = float(value)
    return {"x": x, "score": [round(value, 3), round(value - 0.05, 3), round(value + 0.05, 3)]}


def _suspects(said: list[Any], truth: Any, labels: Sequence[str]) -> dict[str, Any]:
    places = [int(i) for i in np.flatnonzero(said[0] != truth)[:40]]
    return {
        "items": [
            {
                "item": i,
                "doubt": round(0.9 - 0.01 * at, 2),
                "said": labels[int(said[0][i])],
                "rows": list(range(len(said))),
            }
            for at, i in enumerate(places)
        ],
        "planted": "Of 20 labels that were changed on purpose, the first 40 of this list hold 17.",
    }


def _bounds(values: Any) -> list[Any]:
    if not len(values):
        return [None, None, None]
    mean, half = float(np.mean(values)), 1.96 * float(np.std(values)) / np.sqrt(len(values))
    return [round(mean, 4), round(mean - half, 4), round(mean + half, 4)]


def _random(rng: np.random.Generator, n: int) -> list[str]:
    words = np.asarray(WORDS)[rng.integers(len(WORDS), size=(n, 16))]
    return [f"{' '.join(row)} {i}" for i, row in enumerate(words.tolist())]
