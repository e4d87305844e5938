"""The command that gives learning curves the sizes that they lack."""

from __future__ import annotations

import json
import math
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from harness.compare import groups
from harness.compare.curves import Line
from harness.results.store import Run

SEEDS = 3
HALVINGS = 4  # sizes below the largest
FEWEST = 10  # examples
KEPT = ("split", "limit", "without-overlap", "with", "results")  # of a study: what its items and baselines hang on


def command(lines: Sequence[Line], whole: float) -> str:
    """``harness run …`` for the baselines of ``lines``, on the same items, at sizes that halve from ``whole``, the size
    of the train split where it is known, else from twice the largest size there is."""
    runs = [line.rows[-1].run for line in lines]
    study = _study(runs[-1])
    names = dict.fromkeys(_named(run, _study(run)) for run in runs)
    said = {"task": runs[-1].task, "baseline": list(names), "train-size": _sizes(lines, whole)}
    said["seed"] = list(range(SEEDS))
    said |= {key: study[key] for key in KEPT if study.get(key)}
    if "split" not in said and runs[-1].spec["split"] != "test":
        said["split"] = runs[-1].spec["split"]
    return " ".join(["harness run --baselines-only", *(_option(key, value) for key, value in said.items())])


def _sizes(lines: Sequence[Line], whole: float) -> list[int]:
    largest = max(size for line in lines for size in line.sizes)
    end = int(whole) if math.isfinite(whole) else 2 * largest
    least = max(FEWEST, *(len(line.rows[0].run.kind.outputs) for line in lines))
    sizes = [end // 2**i for i in range(HALVINGS, -1, -1)]
    return [size for size in sizes if size >= least] or [end]


def _study(run: Run) -> Mapping[str, Any]:
    """What was asked for when the run was made; nothing where that is not known."""
    try:
        found = json.loads(run.environment.get("study", "{}"))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _named(run: Run, study: Mapping[str, Any]) -> str:
    """The baseline as the command line named it."""
    name, full = groups.baselines(run)
    if not run.spec["model"]:
        full = name
    asked = study.get("baseline", full)
    return full if full in asked or name not in asked else name


def _option(key: str, value: Any) -> str:
    if value is True:
        return f"--{key}"
    listed = value if isinstance(value, list) else [value]
    return f"--{key} {shlex.quote(','.join(map(str, listed)))}"
