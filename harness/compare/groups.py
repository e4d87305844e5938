"""Which runs can be held side by side, which of them make one row, and what a row is called."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from harness.errors import InputError
from harness.results.store import Run


def comparable(runs: Sequence[Run]) -> list[list[Run]]:
    """The runs in groups that can be compared: same task, labels and items, in order of first appearance."""
    groups: dict[object, list[Run]] = {}
    for run in runs:
        groups.setdefault(tuple(asked_of(run).values()), []).append(run)
    return list(groups.values())


def grouped(runs: Sequence[Run]) -> list[tuple[Run, ...]]:
    """The runs in rows: those of one row differ by what a seed draws only."""
    rows: dict[object, list[Run]] = {}
    for run in runs:
        rows.setdefault((run.spec["train_size"], fixed(run)), []).append(run)
    return [tuple(row) for row in rows.values()]


def fixed(run: Run, but: Collection[str] = ()) -> tuple[tuple[str, str], ...]:
    """The signature without the pairs named in ``but`` and without what the seed draws."""
    left_out = {"seed", *but}
    if run.spec["train_size"] is not None:
        left_out.add("train")  # a sample of the train split is drawn by the seed
    # Selectors write their seed into their name.
    return tuple(
        (key, value.replace(f"seed={run.spec['seed']}", ""))
        for key, value in run.signature.pairs
        if key not in left_out
    )


def describe(group: Sequence[Run]) -> str:
    """A row in a few words."""
    spec = group[0].spec
    seeds = ", ".join(str(run.spec["seed"]) for run in group)
    seed = f"seeds {seeds}" if len(group) > 1 else f"seed {seeds}" if spec["seed"] else ""
    if spec["predictor"] != "prompt":
        notes = [_short(spec["model"]), seed]
        name = str(spec["predictor"])
    else:
        demos = [spec["selector"]] if spec["shots"] else []
        order = [f"{spec['order']} order"] if spec["order"] not in (None, "ascending") else []
        calibrated = [spec["calibration"]] if spec.get("calibration") else []
        notes = [spec["template"], *demos, *order, *calibrated, seed]
        name = f"{_short(spec['model'])} {spec['shots']}-shot"
    text = ", ".join(filter(None, notes))
    return f"{name} ({text})" if text else name


def labelled(title: str, run: Run) -> str:
    """A row's title with the size of the training data of its ``run``."""
    return title if run.spec["predictor"] == "prompt" else f"{title}, {run.spec['n_train']:,} train"


def _short(model: Any) -> str:
    return "" if model is None else str(model).rstrip("/").rsplit("/", 1)[-1]


def check(runs: Sequence[Run]) -> None:
    """Raises InputError where the runs cannot be compared, naming what differs."""
    first = runs[0]
    for run in runs[1:]:
        for (what, one), two in zip(asked_of(first).items(), asked_of(run).values(), strict=True):
            if one != two:
                raise InputError(
                    f"runs over different items cannot be compared: {what} is {one!r} in {first.name} but {two!r} in "
                    f"{run.name}. Compare runs of one task, split and --limit."
                )


def asked_of(run: Run) -> dict[str, str]:
    """What two runs must share to be compared, by name."""
    return {"task": run.task, "kind": run.kind.identity, "items_hash": run.items_hash}


def names(group: Sequence[Run]) -> list[str]:
    """What a row may be called: its runs' names, its baseline (with and without its model), its description."""
    spec: Mapping[str, Any] = group[0].spec
    baseline = [] if spec["predictor"] == "prompt" else [spec["predictor"], f"{spec['predictor']}:{spec['model']}"]
    return [*(run.name for run in group), *baseline, describe(group)]
