"""`harness probe`: what a score owes to how it was asked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from cloup import argument, command, option, option_group

from harness.cli import completion
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
from harness.cli.screen import note
from harness.cli.table import Outlet
from harness.errors import InputError

if TYPE_CHECKING:
    from harness.probe import Probe


@command()
@argument("probes", nargs=-1, shell_complete=completion.probes)
@option_group(
    "What is probed",
    option("--task", "name", help="Task name; bbq, crows-pairs, winobias need none.", shell_complete=completion.tasks),
    templates_option,
    shots_option,
    seeds_option,
    baselines_option,
    params_option,
    option("--baselines-only", is_flag=True, help="Probe no prompts."),
)
@option_group(
    "The probes",
    option("--all", "whole", is_flag=True, help="All probes that suit the task, but attack, which asks much."),
    option(
        "--data",
        type=click.Path(path_type=Path),
        metavar="FOLDER",
        help="Holds the files of bbq, crows-pairs, winobias, or a folder of each: they have items of their own.",
    ),
    many("--probe-with", "settings", help="Parameters of probes: budget=500, or order.draws=4 for one."),
    option("--probe-seed", type=click.IntRange(0), default=0, show_default=True, help="What the changes are drawn by."),
    option("--flips", type=click.IntRange(0), default=3, show_default=True, help="How many changed answers to show."),
    metric_option,
    option("--format", "form", help="terminal, markdown, csv, json, html. Else as --output ends, else terminal."),
    option("--output", type=click.Path(path_type=Path), help="Write what was found to this file."),
    results_option,
)
@engine_options(models_option)
@demonstration_options(selectors_option)
@reading_options(calibrations_option)
@answer_options
def probe(
    probes: Sequence[str],
    name: str | None,
    whole: bool,
    data: Path | None,
    settings: Sequence[str],
    probe_seed: int,
    flips: int,
    metric: str | None,
    results: Path,
    models: Sequence[str],
    engine: str,
    params: Sequence[str],
    baselines_only: bool,
    **options: Any,
) -> None:
    """What does a score owe to how it was asked? PROBES are names; `harness list probes` says what each does.

    Prompts and baselines are asked about the items, and asked anew with something changed that should not matter. What
    each loses stands beside its score, paired item by item. Several probes end with one table of all.
    """
    from harness.engines import create
    from harness.probe import suite
    from harness.probe.asked import Asked
    from harness.probe.benchmark import Benchmark
    from harness.progress import Bars
    from harness.report.probe import FORMATS, render
    from harness.study import defaults, grid
    from harness.task import definition

    outlet = Outlet.of(options, results, FORMATS)
    chosen = _chosen(probes, whole, settings, data)
    own = {each.name: each.task(data) for each in chosen if isinstance(each, Benchmark)}
    if name is None and (left := [each.name for each in chosen if each.name not in own]):
        raise InputError(f"probe {left[0]!r} asks about the items of a task: say which, with --task NAME.")
    task = definition.load(name) if name is not None else next(iter(own.values()))
    grid.check_task(task, metric)
    spec = grid.Spec(**taken(grid.Spec, options), params=pairs("--with", params, "epochs=5 or lora.rank=4"))
    usual = defaults.model(task, spec.templates) if name is not None else defaults.EMBEDDED
    wanted = () if baselines_only else models or (usual,)
    said = said_of_engine({"engine": engine, **options})
    engines = [create(engine, model, results / "models", **said) for model in wanted]
    if not (engines or spec.baselines):
        raise InputError("--baselines-only probes the baselines: name some with --baseline.")
    with Bars() as bars:
        asked = Asked(task, spec, engines, results, probe_seed, metric, bars, note)
        found, failed = suite.look(chosen, asked, own)
    outlet.text(render(found, str(outlet.form), flips))
    if failed and not whole:  # what is named is missed, though what the others found is shown
        raise failed[0]
    for error in failed:
        note(f"harness: left out: {error}")


def _chosen(probes: Sequence[str], whole: bool, settings: Sequence[str], data: Path | None) -> list[Probe]:
    """The probes that are named; or all but those that ask much, or whose ``data`` are not there."""
    from harness.probe import PROBES, several
    from harness.probe.benchmark import Benchmark

    if bool(probes) == whole:
        raise InputError(f"name the probes, or say --all. There are: {', '.join(PROBES)}.")
    found = several(PROBES if whole else dict.fromkeys(probes), pairs("--probe-with", settings, "budget=500"))
    if not whole:
        return found
    return [each for each in found if not getattr(each, "named", False) or (data and isinstance(each, Benchmark))]
