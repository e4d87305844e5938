"""How a check is asked, and against what: a template, a sealed run, or the baseline saved beside the template."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from harness import builtin
from harness.compare.groups import asked_of
from harness.errors import InputError, unknown
from harness.gate import saved
from harness.gate.saved import Reading
from harness.results import store
from harness.results.store import Run
from harness.study import grid
from harness.study.asking import Asking
from harness.task.definition import Task

# What must be the same on both sides for their difference to be the template's. Versions and dtype may move on.
SAME = (
    *("model", "weights", "shots", "selector", "order", "seed", "mode", "normalize", "calibrate", "calibrate_on"),
    "train",
)


# What may be changed, and the pairs of the signature that follow it.
CHANGES: Mapping[str, tuple[str, ...]] = {
    "model": ("model", "weights"),
    "revision": ("weights",),
    "dtype": ("weights",),
    "engine": ("weights",),
    "engine-with": ("weights",),
    "shots": ("shots", "selector", "order", "seed"),
    "selector": ("selector", "seed"),
    "order": ("order",),
    "mode": ("mode",),
    "normalize": ("normalize",),
    "calibrate": ("calibrate", "calibrate_on"),
    "calibrate-on": ("calibrate_on",),
}


@dataclass(frozen=True, kw_only=True)
class Question(Asking):
    """How both templates are asked; kept in a saved baseline, so that it is asked the same way again."""

    model: str = "tiny"
    shots: Annotated[int, Field(ge=0)] = 0
    selector: str = "balanced"
    seeds: Annotated[Sequence[Annotated[int, Field(ge=0)]], Field(min_length=1)] = (0,)
    calibrate: str = "none"
    metric: str | None = None
    margin: float = 0.02

    def spec(self, name: str) -> grid.Spec:
        """The grid of this question for one template."""
        return grid.Spec(
            **{field.name: getattr(self, field.name) for field in fields(Asking)},
            templates=(name,),
            shots=(self.shots,),
            selectors=(self.selector,),
            seeds=tuple(self.seeds) if self.shots else tuple(self.seeds)[:1],
            calibrations=(self.calibrate,),
        )


@dataclass(frozen=True, slots=True)
class Old:
    """What a template is held against: runs that exist already, or a template still to be asked (``name``)."""

    title: str
    name: str | None = None
    runs: tuple[Run, ...] = ()
    reading: Reading | None = None


def changed(changes: Sequence[str], options: Mapping[str, Any]) -> tuple[dict[str, Any], set[str]]:
    """``options`` with the ``changes``, each KEY=VALUE, and the pairs of the signature that may differ then. Raises
    InputError for what cannot be changed."""
    other, pairs = dict(options), set[str]()
    for each in changes:
        key, given, value = each.partition("=")
        if key not in CHANGES:
            raise unknown("change", key, CHANGES, "--change")
        if not given:
            raise InputError(f"--change {each}: give KEY=VALUE, such as model=NAME.")
        pairs.update(CHANGES[key])
        if key == "engine-with":
            other["engine_params"] = (*other["engine_params"], value)
        elif key == "shots":
            if not value.isdecimal():
                raise InputError(f"--change {each}: shots are a whole number from 0 up.")
            other["shots"] = int(value)
        else:
            other[key.replace("-", "_")] = value
    return other, pairs


def comparable(new: Sequence[Run], old: Sequence[Run], title: str, changed: Collection[str] = ()) -> None:
    """Raises InputError where the two sides differ in more than the template and the pairs of the signature that are
    ``changed``."""
    here, there = asked_of(new[0]), asked_of(old[0])
    for what, value in here.items():
        if there[what] != value:
            raise InputError(
                f"{title} cannot be compared: its {what} is {there[what]!r}, but here it is {value!r}. Compare "
                "templates on the same task, split and --limit, or save the baseline anew with harness check --save."
            )
    items, others = ({(e.id, e.target) for e in side[0].examples} for side in (new, old))
    if items != others:
        raise InputError(
            f"{title} cannot be compared: its items are not those that it says it is of. Save the baseline anew with "
            "harness check --save."
        )
    if old[0].spec["predictor"] == "prompt":
        if len(new) != len(old):
            raise InputError(f"{title} holds {len(old)} seeds, but {len(new)} are asked for. Give the same --seed.")
        for left, right in zip(new, old, strict=True):
            here, there = dict(left.signature.pairs), dict(right.signature.pairs)
            for key in SAME:
                if key not in changed and here.get(key) != there.get(key):
                    raise InputError(
                        f"{title} cannot be compared: its {key} is {there.get(key)}, but here it is {here.get(key)}. "
                        "Only the template may differ: give the same options, or save the baseline anew with harness "
                        "check --save."
                    )


def baseline_path(task: str, name: str) -> Path:
    """Where the baseline of template ``name`` is kept: beside a file given as such, else in ``prompts/TASK`` of the
    working folder, where the next check finds it."""
    if name.endswith(".j2"):
        return Path(name).with_suffix(saved.SUFFIX)
    return Path("prompts") / task / f"{name}{saved.SUFFIX}"


def find_baseline(task: str, name: str) -> Path | None:
    """The saved baseline of template ``name``, if there is one."""
    path = baseline_path(task, name)
    return path if path.exists() else builtin.find(*path.parts)


def against(task: Task, name: str, said: str | None, root: Path) -> Old:
    """What ``--against`` means: a template, a sealed run (a folder, or its name below ``root``), or, where nothing is
    said, the saved baseline."""
    if said is None:
        path = find_baseline(task.name, name)
        if path is None:
            raise InputError(
                f"template {name!r} of task {task.name!r} has no saved baseline ({baseline_path(task.name, name)}). "
                f"Save one with: harness check --task {task.name} --template {name} --save. Or name what to compare "
                "with by --against."
            )
        _, runs, reading = saved.read(path)
        return Old(f"the baseline {path.name}", runs=tuple(runs), reading=reading)
    folders = {folder.name: folder for folder in store.find(root, task.name)}
    if said in folders or (Path(said) / "run.json").is_file():
        run = store.load(folders.get(said, Path(said)))
        return Old(f"run {run.name}", runs=(run,))
    templates = builtin.names(f"prompts/{task.name}", ".j2")
    if not said.endswith(".j2") and said not in templates:
        raise unknown("template or run to check against", said, [*templates, *folders])
    return Old(said, name=said)


def question_of(path: Path) -> Question:
    """How the saved baseline at ``path`` was asked. Raises InputError where the file is damaged."""
    asked, _, _ = saved.read(path)
    try:
        Question(**asked)  # no key but its own
        return TypeAdapter(Question).validate_json(json.dumps(asked), strict=True)
    except TypeError as error:
        raise InputError(f"{path}: {error}. Save it anew with harness check --save.") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise InputError(f"{path}, question.{where}: {first['msg']}. Save it anew with harness check --save.") from None
