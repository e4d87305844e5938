"""`harness run`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from cloup import command, option, option_group

from harness.cli import completion, study
from harness.cli.answers import recorded
from harness.cli.options import (
    answer_options,
    baselines_option,
    calibrations_option,
    demonstration_options,
    engine_options,
    known_correction,
    left_out,
    many,
    models_option,
    pairs,
    params_option,
    ray_options,
    reading_options,
    said_of_engine,
    seeds_option,
    selectors_option,
    shots_option,
    table_options,
    taken,
    templates_option,
)
from harness.cli.screen import note, say
from harness.cli.table import Outlet
from harness.errors import InputError, unknown

if TYPE_CHECKING:
    from harness.compare import differences
    from harness.engines.inference import Workload
    from harness.results.store import Run
    from harness.study import grid
    from harness.task.definition import Task
    from harness.types import Engine


@command()
@study.argument
@option_group(
    "Task and prompts",
    many("--task", "tasks", required=True, help="Task names.", shell_complete=completion.tasks),
    templates_option,
    shots_option,
    seeds_option,
    option("--dry-run", is_flag=True, help="Say what the prompts would cost, and compute nothing."),
    option("--write", type=click.Path(path_type=Path), help="Keep what is asked here as a STUDY.yaml."),
)
@option_group(
    "Baselines",
    baselines_option,
    many(
        "--train-size",
        "train_sizes",
        default=("full",),
        help="What they are trained on: a number of examples, N/class, full, or shots (what the prompts show).",
    ),
    params_option,
    option("--baselines-only", is_flag=True, help="Run no prompts."),
)
@option_group(
    "Answers made elsewhere",
    many(
        "--answers",
        "answers",
        help="Files of answers, FILE or FILE:COLUMN: tables, JSON lines, logs of other harnesses, batch outputs.",
    ),
    option("--partial", is_flag=True, help="Compare on the items that all of them have."),
)
@engine_options(models_option, more=ray_options)
@demonstration_options(selectors_option)
@reading_options(calibrations_option)
@answer_options
@table_options
@click.pass_context
def run(
    ctx: click.Context,
    /,
    study_file: Path | None,
    write: Path | None,
    tasks: Sequence[str],
    models: Sequence[str],
    baselines_only: bool,
    answers: Sequence[str],
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
    **options: Any,
) -> None:
    """Run prompts and baselines on a task, and compare them item by item.

    Six options are enough for most questions: --task, --template, --shots, --baseline, --model and --format. Those
    marked with dots repeat or take commas: --shots 0,5 --template plain,chat --seed 0,1,2.
    """
    outlet = Outlet.of(options, results)
    from harness.compare import differences
    from harness.study import defaults, grid
    from harness.task import definition

    asked = study.said(ctx)
    spec = grid.Spec(
        **taken(grid.Spec, options), study=study.line(asked), params=pairs("--with", params, "epochs=5 or lora.rank=4")
    )
    said = said_of_engine(options)
    chosen = [definition.load(name) for name in tasks]
    for each in chosen:
        grid.check_task(each, metric)
    spec = _with_answers(spec, chosen, answers)
    wanted = {each.name: () if baselines_only else models or (defaults.model(each, spec.templates),) for each in chosen}
    names = list(dict.fromkeys(name for each in wanted.values() for name in each))
    engines = dict(zip(names, _engines(engine, names, said, ray, replicas, results / "models"), strict=True))
    by_task = {name: [engines[model] for model in each] for name, each in wanted.items()}
    _check_reference(spec, reference)
    known_correction(correction)
    if write is not None:
        study.write(write, asked)
        note(f"Wrote {write}. It is run again by: harness run {write}")
    paid = differences.Price(*price) if price else None
    if dry_run:
        outlet.text(_dry_run(chosen, spec, by_task, results, paid, str(outlet.form)))
        return
    comparisons, folders = [], []
    for each in chosen:
        sealed = _studied(each, spec, by_task[each.name], results, paid)
        folders += [folder for _, folder in sealed]
        comparisons.append(differences.compare([made for made, _ in sealed], metric, reference, correction, paid))
    outlet.tables(comparisons)
    if outlet.shown:
        say("\n".join(["\nResults:", *(f"  {folder}" for folder in folders)]))


def _with_answers(spec: grid.Spec, chosen: Sequence[Task], answers: Sequence[str]) -> grid.Spec:
    """``spec`` with the files of ``answers`` to the one task that is chosen."""
    if answers and len(chosen) > 1:
        raise InputError("--answers are to the items of one task: give one --task.")
    return replace(spec, recorded=recorded(chosen[0], spec.split, answers, spec.calibrations))


def _check_reference(spec: grid.Spec, reference: str | None) -> None:
    """Raises InputError for a reference that will be in no table, before anything runs."""
    known = [*spec.baselines, *(each.called for each in spec.recorded)]
    if reference is not None and reference not in known:
        raise unknown("baseline to refer to", reference, known, "--reference")


def _studied(
    task: Task, spec: grid.Spec, engines: Sequence[Engine], results: Path, paid: differences.Price | None
) -> Sequence[tuple[Run, Path]]:
    """The runs of a task, each with its folder, while bars and forecasts are shown where somebody watches."""
    from harness.progress import Bars
    from harness.study import forecast, grid

    with Bars() as bars:

        def announce(engine: Engine, load: Workload) -> None:
            bars.say(forecast.text(forecast.forecast(task.name, engine, load, results, paid)))

        def tell(text: str) -> None:
            (bars.say if bars.shown else note)(f"harness: {text}")

        return list(grid.run(task, spec, engines, results, bars, announce if bars.shown else None, tell))


def _dry_run(
    chosen: Sequence[Task],
    spec: grid.Spec,
    engines: Mapping[str, Sequence[Engine]],
    results: Path,
    paid: differences.Price | None,
    form: str,
) -> str:
    """What each task's prompts would cost."""
    from harness.study import forecast

    left = left_out()
    made = [each for task in chosen for each in forecast.forecasts(task, spec, engines[task.name], results, paid, left)]
    if form == "json":
        return json.dumps([forecast.rows(each) for each in made], indent=2)
    if form != "terminal":
        raise InputError(f"--dry-run prints text, or rows with --format json; not {form}.")
    return "\n\n".join(map(forecast.text, made)) or "No prompts: nothing to compute."


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
