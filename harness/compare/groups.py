"""Which runs can be held side by side, which of them make one row, and what a row is called."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from harness.errors import InputError
from harness.results.store import Run

CHANGED = "~"  # in a split's name, before that of the probe that changed its items


def comparable(runs: Sequence[Run]) -> list[list[Run]]:
    """The runs in groups that can be compared: same task, labels and items, in order of first appearance. Those on
    items that a probe changed are left out: the probe holds them against the items as they were."""
    groups: dict[object, list[Run]] = {}
    for run in runs:
        if CHANGED in run.spec["split"]:
            continue
        groups.setdefault(tuple(asked_of(run).values()), []).append(run)
    return list(groups.values())


def grouped(runs: Sequence[Run]) -> list[tuple[Run, ...]]:
    """The runs in rows: those of one row differ by what a seed draws only. A baseline that stands there twice is two
    rows, also where its own parameters are what they are anyway."""
    rows: dict[object, list[Run]] = {}
    for run in runs:
        rows.setdefault((run.spec["train_size"], run.spec.get("with"), fixed(run)), []).append(run)
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


def prompted(run: Run) -> bool:
    """Whether it is a prompt's."""
    return bool(run.spec["predictor"] == "prompt")


def recorded(run: Run) -> bool:
    """Whether its answers were made elsewhere."""
    return bool(run.spec["predictor"] == "recorded")


def trained(run: Run) -> bool:
    """Whether it is a baseline's."""
    return not (prompted(run) or recorded(run))


def describe(group: Sequence[Run]) -> str:
    """A row in a few words."""
    spec = group[0].spec
    seeds = ", ".join(str(run.spec["seed"]) for run in group)
    seed = f"seeds {seeds}" if len(group) > 1 else f"seed {seeds}" if spec["seed"] else ""
    if recorded(group[0]):
        seeds = f"{len(group)} times" if len(group) > 1 else f"time {spec['seed'] + 1}" if spec["seed"] else ""
        notes = ["recorded", _short(spec["model"]), spec["calibration"], seeds]
        name = str(spec["answers"])
    elif trained(group[0]):
        notes = [_short(spec["model"]), spec.get("with"), seed]
        name = str(spec["predictor"])
    else:
        return of_prompt(spec, seed)
    text = ", ".join(filter(None, notes))
    return f"{name} ({text})" if text else name


def of_prompt(spec: Mapping[str, Any], seed: str = "") -> str:
    """A prompt in a few words, by its settings."""
    demos = [spec["selector"]] if spec["shots"] else []
    order = [f"{spec['order']} order"] if spec["order"] not in (None, "ascending") else []
    calibrated = [spec["calibration"]] if spec.get("calibration") else []
    notes = [spec["template"], *demos, *order, *calibrated, seed]
    return f"{_short(spec['model'])} {spec['shots']}-shot ({', '.join(filter(None, notes))})"


def title(group: Sequence[Run]) -> str:
    """A row in a few words, with the size of its training data."""
    return labelled(describe(group), group[0])


def labelled(title: str, run: Run) -> str:
    """A row's title with the size of the training data of its ``run``."""
    return f"{title}, {run.spec['n_train']:,} train" if trained(run) else title


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
    own = baselines(group[0]) if trained(group[0]) else []
    own += [group[0].spec["answers"]] if recorded(group[0]) else []
    return [*(run.name for run in group), *own, describe(group)]


def baselines(run: Run) -> list[str]:
    """What the baseline of a run may have been asked for as: without and with its model; always with the parameters
    that its name sets."""
    spec: Mapping[str, Any] = run.spec
    settled = f"+{spec['with']}" if spec.get("with") else ""
    return [f"{spec['predictor']}{settled}", f"{spec['predictor']}:{spec['model']}{settled}"]
