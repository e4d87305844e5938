"""What a study will cost, said before anything is computed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from harness import escape
from harness.compare.differences import Price
from harness.engines.inference import Workload
from harness.results import store
from harness.study import grid
from harness.study.grid import Spec
from harness.task.definition import Task
from harness.types import Engine

# What makes the speed of an engine: a past run is judged by where all of it is the same.
SAME = ("model", "weights", "engine", "dtype", "device")


@dataclass(frozen=True, slots=True)
class Forecast:
    """A study's workload on one engine. ``speed`` is in tokens computed a second, as past runs of the same model and
    engine took on this machine; None where there is none. Generated tokens are counted in full, as their bound."""

    task: str
    identity: Mapping[str, str]
    workload: Workload
    speed: float | None
    price: Price | None

    @property
    def seconds(self) -> float | None:
        tokens = self.workload.missing + self.workload.generated
        return tokens / self.speed if self.speed else None

    @property
    def cost(self) -> float | None:
        """Money at most: every generated answer being as long as it may."""
        return self.price.money(self.workload.missing, self.workload.generated) if self.price else None


def forecasts(
    task: Task,
    spec: Spec,
    engines: Sequence[Engine],
    root: Path,
    price: Price | None = None,
    tell: store.Tell = lambda _: None,
) -> list[Forecast]:
    """A forecast for each engine that is asked anything; nothing is computed and nothing written. Past runs that cannot
    be read are told."""
    return [
        forecast(task.name, engine, workload, root, price, tell)
        for engine, workload in grid.workloads(task, spec, engines, root)
    ]


def forecast(
    task: str,
    engine: Engine,
    workload: Workload,
    root: Path,
    price: Price | None = None,
    tell: store.Tell = lambda _: None,
) -> Forecast:
    """The forecast of a workload that is known, by the runs below ``root``."""
    return Forecast(task, engine.identity, workload, _speed(engine.identity, root, tell), price)


def _speed(identity: Mapping[str, str], root: Path, tell: store.Tell) -> float | None:
    tokens = seconds = 0.0
    for pairs, usage in store.spent(root, tell):
        if usage.get("computed_tokens") and all(pairs.get(key) == identity.get(key) for key in SAME):
            tokens += usage["computed_tokens"] + usage["generated_tokens"]
            seconds += usage["seconds"]
    return tokens / seconds if seconds else None


def rows(forecast: Forecast) -> dict[str, Any]:
    """The forecast as plain values."""
    return {
        "task": forecast.task,
        **forecast.identity,
        **asdict(forecast.workload),
        "seconds": forecast.seconds,
        "cost": forecast.cost,
    }


def text(forecast: Forecast) -> str:
    """The forecast for a person to read, a number a line."""
    load, named = forecast.workload, forecast.identity
    lines = [
        (f"{load.prompts:,}", f"prompts, {load.requests:,} of them distinct, {load.known:,} answered already"),
        (f"{load.submitted:,}", "tokens that a harness without sharing would submit"),
        (f"{load.trie:,}", "distinct trie nodes: each is computed once"),
        (f"{load.missing:,}", "of them left to compute"),
    ]
    if load.generated:
        lines.append((f"{load.generated:,}", "tokens left to generate at most"))
    if forecast.seconds is not None:
        lines.append((f"{forecast.seconds:,.1f}", f"seconds, at the {forecast.speed:,.0f} tokens/s of past runs here"))
    else:
        lines.append(("–", "seconds: no past run of this model and engine to judge by"))
    if forecast.cost is not None:
        lines.append((f"{forecast.cost:,.4f}", "money"))
    width = max(len(number) for number, _ in lines)
    title = ", ".join(filter(None, (named["model"], named["engine"], named.get("dtype"), named.get("device"))))
    return "\n".join(
        [escape.line(f"{forecast.task}: {title}"), *(f"  {number:>{width}}  {what}" for number, what in lines)]
    )
