"""`harness tune`: choose on dev, report on test."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from cloup import command, option, option_group

from harness.cli import completion, study
from harness.cli.options import (
    answer_options,
    baselines_option,
    calibrations_option,
    demonstration_options,
    engine_options,
    many,
    metric_option,
    models_option,
    pairs,
    params_option,
    reading_options,
    results_option,
    said_of_engine,
    seeds_option,
    selectors_option,
    shots_option,
    taken,
    templates_option,
)
from harness.cli.run import run
from harness.cli.screen import note, say
from harness.errors import InputError, unknown

if TYPE_CHECKING:
    from harness.study.tune import Setting

# What of a tuning's options the winner's run does not say again.
CHOSEN = ("template", "shots", "selector", "calibrate", "model", "seed", "baseline", "with", "format")


@command()
@study.argument
@option_group(
    "What is chosen among",
    option("--task", "name", required=True, help="Task name.", shell_complete=completion.tasks),
    templates_option,
    shots_option,
    seeds_option,
    baselines_option,
    params_option,
)
@option_group(
    "The choice",
    option("--on", default="dev", show_default=True, help="The split that is chosen on; the report is on --split."),
    option(
        "--first",
        type=click.IntRange(2),
        default=20,
        show_default=True,
        help="Items of the first round, at least; each later round asks about twice as many.",
    ),
    many("--incumbent", help="What is used today, such as template=plain,shots=5; else plain without demonstrations."),
    metric_option,
    option("--write", type=click.Path(path_type=Path), help="Keep the winner as a STUDY.yaml."),
    option("--format", "form", default="terminal", show_default=True, help="terminal, markdown or json."),
    results_option,
)
@engine_options(models_option)
@demonstration_options(selectors_option)
@reading_options(calibrations_option)
@answer_options
@click.pass_context
def tune(
    ctx: click.Context,
    /,
    study_file: Path | None,
    name: str,
    on: str,
    first: int,
    incumbent: Sequence[str],
    metric: str | None,
    write: Path | None,
    form: str,
    results: Path,
    models: Sequence[str],
    engine: str,
    params: Sequence[str],
    **options: Any,
) -> None:
    """Choose template, shots, selector and calibration on dev, and report on test once.

    Rounds ask about ever more items of dev; what is surely worse than the best is dropped, so that the rest of its
    answers are never asked for; several seeds are averaged. The winner then stands beside what is used today, and
    beside the baseline that is best on dev, on items that had no part in the choice.
    """
    from harness.engines import create
    from harness.progress import Bars
    from harness.report import tune as report
    from harness.study import defaults, grid
    from harness.study.tune import Tuning
    from harness.task import definition

    report.known(form)
    asked = study.said(ctx)
    task = definition.load(name)
    spec = grid.Spec(**taken(grid.Spec, options), params=pairs("--with", params, "epochs=5 or lora.rank=4"))
    names = models or (defaults.model(task, spec.templates),)
    said = said_of_engine({"engine": engine, **options})
    before = _incumbent(incumbent, spec.templates, names)
    engines = [create(engine, model, results / "models", **said) for model in names]
    with Bars() as bars:
        found = Tuning(task, spec, engines, results, on, first, metric, bars, note).run(before)
    own = study.options(run)
    kept = {key: value for key, value in asked.items() if key in own and key not in CHOSEN}
    winner = {"task": name, **kept, **found.setting}
    if found.setting["shots"] and "seed" in asked:
        winner["seed"] = asked["seed"]
    if write is not None:
        study.write(write, winner)
        note(f"Wrote {write}. It is run by: harness run {write}")
    say(report.render(found, form, _line(winner)))


def _incumbent(said: Sequence[str], templates: Sequence[str], models: Sequence[str]) -> Setting:
    """What ``--incumbent`` says, the defaults of `harness run` standing for the rest."""
    from harness.study.tune import Setting

    plain = "plain" if "plain" in templates else templates[0]
    chosen: dict[str, Any] = {
        "template": plain,
        "shots": "0",
        "selector": "auto",
        "calibrate": "none",
        "model": models[0],
    }
    for key, value in pairs("--incumbent", said, "template=plain").items():
        if key not in chosen:
            raise unknown("part of a prompt's setting", key, chosen, "--incumbent")
        chosen[key] = value
    if not chosen["shots"].isdecimal():
        raise InputError(f"--incumbent shots={chosen['shots']}: shots are a whole number from 0 up.")
    if chosen["model"] not in models:
        raise unknown("model", chosen["model"], models, "--incumbent")
    return Setting(**{**chosen, "shots": int(chosen["shots"])})


def _line(said: Mapping[str, Any]) -> str:
    """The `harness run` that asks so."""
    words = ["harness", "run"]
    for key, value in said.items():
        if value is True:
            words.append(f"--{key}")
        elif value is not False:
            words += [f"--{key}", ",".join(map(str, value)) if isinstance(value, list) else str(value)]
    return shlex.join(words)
