"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from harness.errors import InputError, unknown

FORMATS = ("terminal", "markdown", "csv", "json", "html", "latex")
RESULTS = Path("results")

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def count(text: str) -> int:
    number = int(text)
    if number < 0:
        raise ValueError(text)
    return number


def many(*names: str, default: Sequence[Any] = (), item: Callable[[str], Any] = str, **extra: Any) -> Decorator:
    """An option that may be repeated or take commas; each value counts once."""

    def flat(_: click.Context, param: click.Parameter, values: Sequence[str]) -> tuple[Any, ...]:
        try:
            return tuple(
                dict.fromkeys(item(part.strip()) for value in values for part in value.split(",") if part.strip())
            )
        except ValueError:
            raise click.BadParameter(f"{','.join(values)!r}: give whole numbers from 0 up, such as 0,5.") from None

    shown = [",".join(map(str, default))] if default else []
    # All of the help is ASCII: click asks no terminal whether it can write more.
    kind = "name,..." if item is str else "n,..."
    return click.option(
        *names, multiple=True, metavar=kind, callback=flat, default=shown, show_default=bool(shown), **extra
    )


results_option = click.option(
    "--results", type=click.Path(path_type=Path), default=RESULTS, show_default=True, help="Where runs are kept."
)


def table_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """How a table is made and shown: `run` and `report`."""
    for option in reversed(
        (
            click.option("--metric", help="Compare by this metric; else by the task's main one."),
            click.option("--reference", help="Compare with this baseline or run; else with the best baseline."),
            click.option(
                "--correction",
                default="holm",
                show_default=True,
                help="Adjusts p for the number of rows: holm, bh (Benjamini-Hochberg) or none.",
            ),
            click.option(
                "--price",
                callback=_price,
                metavar="MONEY[,MONEY]",
                help="Of a million tokens computed, and of a million generated; adds a column of costs.",
            ),
            click.option("--format", "form", default="terminal", show_default=True, help=f"{', '.join(FORMATS)}."),
            results_option,
        )
    ):
        command = option(command)
    return command


def _price(_: click.Context, __: click.Parameter, value: str | None) -> tuple[float, ...] | None:
    if value is None:
        return None
    try:
        parts = tuple(float(part) for part in value.split(","))
    except ValueError:
        parts = ()
    if not 1 <= len(parts) <= 2 or min(parts) < 0:
        raise click.BadParameter(f"{value!r}: give one price or two, such as 0.15,0.60.")
    return parts


def prompt_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """What `run`, `show` and `check` share: the choice of demonstrations, model and engine."""
    for option in reversed(
        (
            click.option(
                "--order", default="ascending", show_default=True, help="ascending (nearest last), random or as-is."
            ),
            click.option(
                "--draw",
                default="shared",
                show_default=True,
                help="random and balanced: shared (one draw for all items) or per-item.",
            ),
            many("--demo", help="The fixed selector's demonstrations, by train id."),
            click.option(
                "--embedder",
                default="lsa",
                show_default=True,
                help="For knn: lsa, minilm, or an encoder's path or hub name.",
            ),
            click.option(
                "--index",
                default="exact",
                show_default=True,
                help="For knn: exact, or ann (approximate; for pools of many thousands).",
            ),
            click.option(
                "--engine",
                default="auto",
                show_default=True,
                help="transformers, vllm, openai (a server), null, or auto: vllm where it is installed with a GPU.",
            ),
            many("--engine-with", "engine_params", help="Options of the engine, such as max_model_len=2048."),
            click.option("--revision", help="A hub model's branch, tag or commit."),
            click.option("--dtype", default="auto", show_default=True, help="auto, float32, float16 or bfloat16."),
            click.option(
                "--trust-remote-code", is_flag=True, help="Let a hub model run its own code. Off unless you ask."
            ),
            click.option("--split", default="test", show_default=True, help="The items to answer."),
        )
    ):
        command = option(command)
    return command


def engine_options(
    revision: str | None, dtype: str, trust_remote_code: bool, engine_params: Sequence[str]
) -> dict[str, Any]:
    """What was said of the engine: not every engine takes every option."""
    said: dict[str, Any] = pairs("--engine-with", engine_params, "max_model_len=2048")
    if revision is not None:
        said["revision"] = revision
    if dtype != "auto":
        said["dtype"] = dtype
    if trust_remote_code:
        said["trust_remote_code"] = True
    return said


def pairs(option: str, params: Sequence[str], such_as: str) -> dict[str, str]:
    """NAME=VALUE as a mapping. Raises InputError for a value that is none."""
    for pair in params:
        if "=" not in pair:
            raise InputError(f"{option} {pair!r}: give NAME=VALUE, such as {such_as}.")
    return dict(pair.split("=", 1) for pair in params)


def answer_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """How items are answered, and which: `run` and `check`."""
    for option in reversed(
        (
            click.option(
                "--mode",
                default="score",
                show_default=True,
                help="score the labels by likelihood, or generate and parse.",
            ),
            click.option(
                "--on-overlength",
                "overlength",
                default="error",
                show_default=True,
                help="A prompt that does not fit: error, drop-demos or skip.",
            ),
            click.option("--limit", type=click.IntRange(1), help="Only the first N items."),
        )
    ):
        command = option(command)
    return command


def ray_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Where the engines run: `run`."""
    for option in reversed(
        (
            click.option(
                "--ray",
                metavar="auto|local|ADDRESS",
                help="Spread over a Ray cluster: auto (one that runs, else this machine), local, or its address.",
            ),
            click.option(
                "--replicas",
                type=click.IntRange(1),
                help="With --ray: engines side by side; else as many as its GPUs hold, or one a node without GPUs.",
            ),
        )
    ):
        command = option(command)
    return command


def known_correction(name: str) -> None:
    """Raises InputError for a correction that does not exist, before anything runs."""
    from harness.stats.multiple import CORRECTIONS

    if name not in CORRECTIONS:
        raise unknown("correction", name, CORRECTIONS)


def known_format(form: str) -> None:
    if form not in FORMATS:
        raise unknown("format", form, FORMATS)
