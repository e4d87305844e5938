"""Rows for spreadsheets: metrics and usage flattened into columns."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any

from harness.compare import Comparison
from harness.report.json import row as plain


def render(comparisons: Sequence[Comparison]) -> str:
    """One line a run, with a header."""
    rows = []
    for found in (row for comparison in comparisons for row in comparison.rows):
        flat: dict[str, Any] = {}
        for key, value in plain(found.run).items():
            if key == "metrics":
                for name, parts in value.items():
                    flat |= {name: parts["value"], f"{name}.low": parts["low"], f"{name}.high": parts["high"]}
            elif isinstance(value, dict):
                flat |= value
            else:
                flat[key] = value
        gap = found.difference
        flat |= {
            "difference": gap and gap.value,
            "difference.low": gap and gap.low,
            "difference.high": gap and gap.high,
        }
        rows.append({**flat, "p": found.p})
    out = io.StringIO()
    fields = list(dict.fromkeys(key for line in rows for key in line))
    writer = csv.DictWriter(out, fields, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().rstrip("\n")
