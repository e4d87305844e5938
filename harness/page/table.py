"""One comparison as the page's first screen shows it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.compare import curves, estimate
from harness.compare.differences import Comparison, Row
from harness.metrics import Metric
from harness.page import pairs
from harness.page.given import Given
from harness.page.items import classes
from harness.page.numbers import bounds, plain
from harness.page.parts import tables
from harness.page.said import Said
from harness.report.cells import cells, footer, header, signature
from harness.results import store


def table(
    comparison: Comparison, rows: Sequence[Said], given: Given, mean: Metric, cuts: Sequence[Any], suspects: Any
) -> dict[str, Any]:
    """The table with all its numbers; ``mean`` is the metric of the items' own scores."""
    kind, examples = comparison.kind, comparison.rows[0].run.examples
    shown = list(given.show) or [None] * len(rows)
    return {
        "task": comparison.task,
        "metric": comparison.metric,
        "n": comparison.n,
        "kind": {
            "name": kind.name,
            "graded": kind.graded,
            "score": kind.score,
            "nothing": kind.nothing,
            "outputs": list(kind.outputs),
        },
        "header": header(comparison),
        "footer": footer(comparison),
        "rows": [
            _row(comparison, row, said, mean, command)
            for row, said, command in zip(comparison.rows, rows, shown, strict=True)
        ],
        "reference": next(place for place, row in enumerate(comparison.rows) if row.difference is None),
        "first": pairs.first(comparison),
        "pairs": pairs.pairs(comparison, rows, mean),
        "cuts": list(cuts),
        "classes": classes(kind, examples, rows),
        "curves": _curves(comparison),
        "suspects": suspects,
        "notes": list(given.notes),
    }


def _row(comparison: Comparison, row: Row, said: Said, mean: Metric, show: Sequence[str] | None) -> dict[str, Any]:
    average = row.strict  # as the table has it, where an answer is right or wrong
    if comparison.graded:
        (average,) = estimate.estimates(mean, tables(said.hits), store.clusters(row.run.examples))
    return {
        "title": row.title,
        "label": row.label,
        "cells": cells(comparison, row),
        "signatures": [str(signature(run)) for run in row.runs],
        "sort": "prompt" if row.prompted else "recorded" if row.recorded else "trained",
        "score": bounds(row.score),
        "mean": bounds(average),
        "seconds": plain(row.used("seconds")),
        "tokens": plain(row.used("computed_tokens") + row.used("generated_tokens")),
        "cost": plain(row.cost),
        "stated": said.stated is not None,
        "show": None if show is None else list(show),
    }


def _curves(comparison: Comparison) -> list[dict[str, Any]]:
    """Lines of two points and more."""
    places = {id(row): place for place, row in enumerate(comparison.rows)}
    return [
        {
            "name": line.name,
            "across": line.across,
            "points": [{"x": line.place(row), "score": bounds(row.score), "row": places[id(row)]} for row in line.rows],
        }
        for line in (*curves.prompts(comparison), *curves.baselines(comparison))
        if len(line.sizes) > 1
    ]
