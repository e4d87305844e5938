"""`harness run`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from cloup import command, option, option_group

from harness.cli.options import (
    answer_options,
    count,
    demonstration_options,
    engine_options,
    known_correction,
    known_format,
    left_out,
    many,
    pairs,
    ray_options,
    reading_options,
    said_of_engine,
    table_options,
    taken,
)
from harness.cli.screen import note, say
from harness.errors import InputError, unknown

if TYPE_CHECKING:
    from harness.engines.inference import Workload
    from harness.study.forecast import Forecast
    from harness.types import Engine


@command()
@option_group(
    "Task and prompts",
    many("--task", "tasks", required=True, help="Task names."),
    many("--template", "templates", default=("plain",), help="Template names, or .j2 files."),
    many("--shots", default=(0,), item=count, help="Numbers of demonstrations."),
    many("--seed", "seeds", default=(0,), item=count, help="Seeds."),
    option("--dry-run", is_flag=True, help="Say what the prompts would cost, and compute nothing."),
)
@option_group(
    "Baselines",
    many(
        "--baseline",
        "baselines",
        help="Trained on the same train split, NAME or NAME:MODEL; `harness list baselines` names them.",
    ),
    many(
        "--train-size",
        "train_sizes",
        default=("full",),
        help="What they are trained on: a number of examples, N/class, full, or shots (what the prompts show).",
    ),
    many("--with", "params", help="Their parameters: epochs=5, or lora.rank=4 for one of them."),
    option("--baselines-only", is_flag=True, help="Run no prompts."),
)
@engine_options(
    many(
        "--model", "models", default=("tiny",), help="Folders, GGUF files, hub names; tiny is embedded, smollm2 real."
    ),
    more=ray_options,
)
@demonstration_options(
    many(
        "--selector",
        "selectors",
        default=("balanced",),
        help="How demonstrations are chosen; `harness list selectors` names them.",
    ),
)
@reading_options(
    many(
        "--calibrate",
        "calibrations",
        default=("none",),
        help="Take off what the model answers whatever it reads; `harness list calibrations` names the ways.",
    ),
)
@answer_options
@table_options
def run(
    tasks: Sequence[str],
    models: Sequence[str],
    baselines_only: bool,
    dry_run: bool,
    engine: str,
    ray: str | None,
    replicas: int | None,
    params: Sequence[str],
    metric: str | None,
    reference: str | None,
    correction: str,
    price: tuple[float, ...] | None,
    results: Path,
    form: str,
    **options: Any,
) -> None:
    """Run prompts and baselines on a task, and compare them item by item.

    Six options are enough for most questions: --task, --template, --shots, --baseline, --model and --format. Those
    marked with dots repeat or take commas: --shots 0,5 --template plain,chat --seed 0,1,2.
    """
    known_format(form)
    from harness.compare import differences
    from harness.progress import Bars
    from harness.report import render
    from harness.study import forecast, grid
    from harness.task import definition

    spec = grid.Spec(**taken(grid.Spec, options), params=pairs("--with", params, "epochs=5 or lora.rank=4"))
    said = said_of_engine(options)
    engines = [] if baselines_only else _engines(engine, models, said, ray, replicas, results / "models")
    chosen = [definition.load(name) for name in tasks]
    for each in chosen:
        grid.check_task(each, metric)
    if reference is not None and reference not in spec.baselines:
        raise unknown("baseline to refer to", reference, spec.baselines, "--reference")
    known_correction(correction)
    paid = differences.Price(*price) if price else None
    if dry_run:
        left = left_out()
        _dry_run([f for each in chosen for f in forecast.forecasts(each, spec, engines, results, paid, left)], form)
        return
    comparisons, folders = [], []
    for each in chosen:
        with Bars() as bars:

            def announce(engine: Engine, load: Workload, name: str = each.name, bars: Bars = bars) -> None:
                bars.say(forecast.text(forecast.forecast(name, engine, load, results, paid)))

            def tell(text: str, bars: Bars = bars) -> None:
                (bars.say if bars.shown else note)(f"harness: {text}")

            made = list(grid.run(each, spec, engines, results, bars, announce if bars.shown else None, tell))
        folders += [folder for _, folder in made]
        comparisons.append(differences.compare([sealed for sealed, _ in made], metric, reference, correction, paid))
    say(render(comparisons, form))
    if form == "terminal":
        say("\nResults:")
        for folder in folders:
            say(f"  {folder}")


def _dry_run(made: Sequence[Forecast], form: str) -> None:
    from harness.study import forecast

    if form == "json":
        say(json.dumps([forecast.rows(each) for each in made], indent=2))
        return
    if form != "terminal":
        raise InputError(f"--dry-run prints text, or rows with --format json; not {form}.")
    say("\n\n".join(map(forecast.text, made)) or "No prompts: nothing to compute.")


def _engines(
    name: str, models: Sequence[str], options: Mapping[str, Any], ray: str | None, replicas: int | None, home: Path
) -> Sequence[Engine]:
    """An engine for each model: here, or spread over a Ray cluster until the command ends."""
    if ray is None:
        from harness.engines import create

        if replicas is not None:
            raise InputError("--replicas works with --ray: add --ray auto.")
        return [create(name, model, home, **options) for model in models]
    from harness.engines.ray import replicate

    made = replicate(name, models, options, ray, replicas, home)
    for each in made:
        click.get_current_context().call_on_close(each.close)
    return made
