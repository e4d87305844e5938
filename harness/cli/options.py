"""Options that several commands share, in the groups that their help shows."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import click
from cloup import option, option_group

from harness.cli import completion
from harness.cli.screen import note
from harness.errors import InputError, unknown

FORMATS = ("terminal", "markdown", "csv", "json", "html", "latex", "xlsx")
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
            found = dict.fromkeys(item(part.strip()) for value in values for part in value.split(",") if part.strip())
        except ValueError:
            raise click.BadParameter(f"{','.join(values)!r}: give whole numbers from 0 up, such as 0,5.") from None
        if param.required and not found:
            raise click.BadParameter("nothing is named.")
        return tuple(found)

    shown = [",".join(map(str, default))] if default else []
    # All of the help is ASCII: click asks no terminal whether it can write more.
    kind = "name,..." if item is str else "n,..."
    return option(*names, multiple=True, metavar=kind, callback=flat, default=shown, show_default=bool(shown), **extra)


def taken(record: Any, options: MutableMapping[str, Any]) -> dict[str, Any]:
    """What ``options`` say of the fields of a dataclass, taken out of them."""
    return {field.name: options.pop(field.name) for field in fields(record) if field.name in options}


# Of what is asked or trained, as lists: `run`, `tune` and `probe` take every combination.
templates_option = many(
    "--template",
    "templates",
    default=("plain",),
    help="Template names, or .j2 files.",
    shell_complete=completion.templates,
)
shots_option = many("--shots", default=(0,), item=count, help="Numbers of demonstrations.")
seeds_option = many("--seed", "seeds", default=(0,), item=count, help="Seeds, of demonstrations and of baselines.")
baselines_option = many(
    "--baseline",
    "baselines",
    help="Trained on the same train split: NAME, NAME:MODEL, or with parameters of its own NAME+epochs=5.",
)
params_option = many("--with", "params", help="Parameters of the baselines: epochs=5, or lora.rank=4 for one of them.")
models_option = many(
    "--model",
    "models",
    help="Folders, GGUF files, hub names; else tiny (embedded), or where answers are written smollm2 (real).",
)
selectors_option = many(
    "--selector",
    "selectors",
    default=("auto",),
    help="How demonstrations are chosen; `harness list selectors` names them.",
)
calibrations_option = many(
    "--calibrate",
    "calibrations",
    default=("none",),
    help="Take off what the model answers whatever it reads; `harness list calibrations` names the ways.",
)
# The same as one value: `transfer` and `continual` hold one prompt beside what is trained.
template_option = option("--template", default="plain", show_default=True, help="Its name in each task.")
selector_option = option("--selector", default="auto", show_default=True, help="How demonstrations are chosen.")
calibrate_option = option("--calibrate", default="none", show_default=True, help="As for `harness run`.")

metric_option = option("--metric", help="Compare by this metric; else by the task's main one.")
results_option = option(
    "--results", type=click.Path(path_type=Path), default=RESULTS, show_default=True, help="Where runs are kept."
)
split_option = option("--split", default="test", show_default=True, help="The items to answer.")


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


price_option = option(
    "--price",
    callback=_price,
    metavar="MONEY[,MONEY]",
    help="Of a million tokens computed, and of a million generated.",
)
table_options = option_group(
    "Table",
    metric_option,
    option("--reference", help="Compare with this baseline or run; else with the best baseline."),
    option(
        "--correction",
        default="holm",
        show_default=True,
        help="Adjusts p for the number of rows: holm, bh (Benjamini-Hochberg) or none.",
    ),
    price_option,
    option("--format", "form", help=f"{', '.join(FORMATS)}. Else as --output ends, else terminal."),
    option("--output", type=click.Path(path_type=Path), help="Write the table to this file."),
    many("--log", "loggers", help="Log the table to tensorboard, wandb or mlflow as well; needs [logging]."),
    option("--log-dir", type=click.Path(path_type=Path), help="Where logs are kept; else in `logs` below --results."),
    results_option,
)


def one_prompt(options: MutableMapping[str, Any]) -> dict[str, Any]:
    """What ``options`` say of the one prompt that stands beside what is trained, taken out of them, as the lists that a
    study takes."""
    lists = {"template": "templates", "shots": "shots", "selector": "selectors", "calibrate": "calibrations"}
    return {name: (options.pop(option),) for option, name in lists.items()}


def demonstration_options(*first: Decorator) -> Decorator:
    """The choice of demonstrations: what is a list for `run` and one value for the others comes ``first``."""
    return option_group(
        "Demonstrations",
        *first,
        option(
            "--order",
            default="ascending",
            show_default=True,
            help="ascending (nearest last), random, as-is, or places: 2-0-1.",
        ),
        option(
            "--draw",
            default="shared",
            show_default=True,
            help="random and balanced: shared (one draw for all items) or per-item.",
        ),
        many("--demo", "demos", help="The fixed selector's demonstrations, by train id."),
        option(
            "--embedder",
            default="lsa",
            show_default=True,
            help="For knn, mmr, dpp, vote-k and set-bsr: lsa, minilm, or an encoder's path or hub name.",
        ),
        option(
            "--learner",
            default="tfidf-logreg",
            show_default=True,
            help="For l2d: the baseline, NAME or NAME:MODEL, that expects labels.",
        ),
        option(
            "--index",
            default="exact",
            show_default=True,
            help="For knn, mmr and dpp: exact, or ann (approximate; for pools of many thousands).",
        ),
    )


def engine_options(*first: Decorator, more: Sequence[Decorator] = ()) -> Decorator:
    """The model, and what runs it."""
    return option_group(
        "Model and engine",
        *first,
        option(
            "--engine",
            default="auto",
            show_default=True,
            help="transformers, vllm, openai (a server), null, or auto: vllm where it is installed with a GPU.",
        ),
        many("--engine-with", "engine_params", help="Options of the engine, such as max_model_len=2048."),
        option("--revision", help="A hub model's branch, tag or commit."),
        option("--dtype", default="auto", show_default=True, help="auto, float32, float16 or bfloat16."),
        option("--trust-remote-code", is_flag=True, help="Let a hub model run its own code. Off unless you ask."),
        *more,
    )


def said_of_engine(options: MutableMapping[str, Any]) -> dict[str, Any]:
    """What was said of the engine, taken out of ``options``: not every engine takes every option."""
    revision, dtype, trusted = (options.pop(name) for name in ("revision", "dtype", "trust_remote_code"))
    said: dict[str, Any] = pairs("--engine-with", options.pop("engine_params"), "max_model_len=2048")
    if revision is not None:
        said["revision"] = revision
    if dtype != "auto":
        said["dtype"] = dtype
    if trusted:
        said["trust_remote_code"] = True
    return said


def pairs(name: str, params: Sequence[str], such_as: str) -> dict[str, str]:
    """NAME=VALUE as a mapping. Raises InputError for a value that is none."""
    for pair in params:
        if "=" not in pair:
            raise InputError(f"{name} {pair!r}: give NAME=VALUE, such as {such_as}.")
    return dict(pair.split("=", 1) for pair in params)


def reading_options(calibrate: Decorator) -> Decorator:
    """How the labels' log-probabilities are read."""
    return option_group(
        "Reading the scores",
        calibrate,
        option(
            "--calibrate-on",
            default="train:64",
            show_default=True,
            help="What batch and supervised are estimated on: train:N, train, or test (the items that are judged).",
        ),
        option(
            "--normalize",
            default="sum",
            show_default=True,
            help="A label's log-probability: sum of its tokens', or divided by its tokens, characters or bytes.",
        ),
    )


answer_options = option_group(
    "Items and answers",
    split_option,
    option("--limit", type=click.IntRange(1), help="Only N of the items, chosen by their ids."),
    option("--without-overlap", is_flag=True, help="Leave out items whose text, or nearly, is in train."),
    option(
        "--mode",
        default="auto",
        show_default=True,
        help="score the answers by likelihood, generate and parse them, or auto: what the template is made for.",
    ),
    option(
        "--on-overlength",
        "overlength",
        default="error",
        show_default=True,
        help="A prompt that does not fit: error, drop-demos or skip.",
    ),
    option(
        "--on-failure",
        default="count",
        show_default=True,
        help="An item that gets no answer: count (as wrong, and go on) or error (end).",
    ),
)

ray_options = (
    option(
        "--ray",
        metavar="auto|local|ADDRESS",
        help="Spread over a Ray cluster: auto (one that runs, else this machine), local, or its address.",
    ),
    option(
        "--replicas",
        type=click.IntRange(1),
        help="With --ray: engines side by side; else as many as its GPUs hold, or one a node without GPUs.",
    ),
)


def left_out() -> Callable[[InputError], None]:
    """Tells on stderr, once, what is wrong with each run that is left out."""
    told = set[str]()

    def tell(error: InputError) -> None:
        if str(error) not in told:
            told.add(str(error))
            note(f"harness: left out: {error}")

    return tell


def known_correction(name: str) -> None:
    """Raises InputError for a correction that does not exist, before anything runs."""
    from harness.stats.multiple import CORRECTIONS

    if name not in CORRECTIONS:
        raise unknown("correction", name, CORRECTIONS)
