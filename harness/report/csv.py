"""Rows for spreadsheets: metrics and usage flattened into columns."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from harness import escape
from harness.compare.differences import Comparison
from harness.report.json import objects

COMPARED = ("lenient_accuracy", "difference")  # estimates of a table's row
UNKNOWN = {"value": None, "low": None, "high": None}


def render(comparisons: Sequence[Comparison]) -> str:
    """One line a run, with a header."""
    rows = [{escape.csv(key): _cell(value) for key, value in _flat(each).items()} for each in objects(comparisons)]
    out = io.StringIO()
    fields = list(dict.fromkeys(key for line in rows for key in line))
    writer = csv.DictWriter(out, fields, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().rstrip("\n")


def _cell(value: Any) -> Any:
    return escape.csv(value) if isinstance(value, str) else value


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    """Estimates as ``name``, ``name.low`` and ``name.high``; counts and usage by their own names."""
    flat: dict[str, Any] = {}
    estimates = {**row["metrics"], **{key: row[key] or UNKNOWN for key in COMPARED}}
    for key, value in row.items():
        if key in ("usage", "counts"):
            flat |= value
        elif key not in ("metrics", *COMPARED):
            flat[key] = value
    for name, parts in estimates.items():
        flat |= {name: parts["value"], f"{name}.low": parts["low"], f"{name}.high": parts["high"]}
    return flat
