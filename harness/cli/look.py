"""`harness show`, `list` and `report`: what there is to read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from cloup import argument, command, option, option_group

from harness import escape
from harness.cli import completion, watch
from harness.cli.crossover import crossed, draw, known_terms, render_crossovers
from harness.cli.options import (
    demonstration_options,
    engine_options,
    known_correction,
    left_out,
    results_option,
    said_of_engine,
    split_option,
    table_options,
    taken,
)
from harness.cli.page import known_page, words, write_page
from harness.cli.screen import say
from harness.cli.table import Outlet
from harness.errors import InputError, unknown

if TYPE_CHECKING:
    from harness.results.store import Run


@command()
@option_group(
    "Task and prompt",
    option("--task", "name", required=True, help="Task name.", shell_complete=completion.tasks),
    option(
        "--template",
        default="plain",
        show_default=True,
        help="Template name, or a .j2 file.",
        shell_complete=completion.templates,
    ),
    option("--shots", type=click.IntRange(0), default=0, show_default=True, help="Number of demonstrations."),
    option("--seed", type=click.IntRange(0), default=0, show_default=True),
    split_option,
    option("--example", help="The item's id; else the split's first."),
)
@engine_options(option("--model", help="Folder, GGUF file or hub name; else tiny, or smollm2 to write."))
@demonstration_options(option("--selector", default="auto", show_default=True, help="How demonstrations are chosen."))
def show(
    name: str,
    template: str,
    shots: int,
    selector: str,
    seed: int,
    model: str | None,
    engine: str,
    example: str | None,
    **options: Any,
) -> None:
    """Print one prompt exactly as the model gets it, special tokens visible, with token counts per part."""
    from harness.engines import create
    from harness.predictors.prompted import Prompted
    from harness.prompt.template import load
    from harness.study import defaults
    from harness.study.asking import Asking
    from harness.study.show import show as look
    from harness.task import definition

    asking = Asking(**taken(Asking, options))
    found = definition.load(name)
    chosen = asking.select_by(selector, seed, found.kind)
    made = create(engine, model or defaults.model(found, [template]), **said_of_engine(options))
    prompted = Prompted(load(template, found), made, chosen, shots, asking.order, seed)
    shown = look(prompted, found, asking.split, example)
    say(shown.text)
    say("─" * 40, dim=True)
    for part, tokens in shown.parts:
        say(f"{tokens:6d}  {escape.line(part)}")
    if shown.prompt_tokens is None:
        say("Sent as it is: the server makes tokens of it.")
    else:
        say(f"{shown.prompt_tokens:6d}  prompt, of {prompted.engine.max_length} that the model takes")
    for text, tokens in shown.choices:
        say(f"{tokens:6d}  choice '{escape.line(text)}'")
    for told in shown.notes:
        say(told)
    if asking.index != "exact":
        say(f"Demonstrations chosen by {chosen}")
    if shown.excluded:
        say(f"Barred as demonstrations of this item: {', '.join(map(escape.line, shown.excluded))}")


LISTED = (
    "tasks",
    "templates",
    "kinds",
    "selectors",
    "engines",
    "calibrations",
    "baselines",
    "metrics",
    "probes",
    "runs",
)


def _probes() -> list[tuple[str, str]]:
    """The probes, which stand above the floor that lists all else."""
    from harness.probe import PROBES
    from harness.study.listing import summaries

    return summaries(PROBES)


@command("list")
@argument("kinds", nargs=-1)
@option("--task", "name", help="Templates and runs of this task only.")
@results_option
def list_(kinds: Sequence[str], name: str | None, results: Path) -> None:
    """List what there is: all, or the KINDS named (tasks, templates, kinds, runs and so on)."""
    from harness.study.listing import entries

    for kind in kinds:
        if kind not in LISTED:
            raise unknown("kind", kind, LISTED)
    for kind in kinds or LISTED:
        say(kind, bold=True)
        found = _probes() if kind == "probes" else entries(kind, name, results, left_out())
        rows = [(escape.line(entry), " ".join(said.split())) for entry, said in found]
        width = max((len(entry) for entry, _ in rows), default=0)
        for entry, said in rows:
            say(f"  {entry:<{width}}  {said}".rstrip())
        if not rows:
            say("  none yet")


@command()
@argument("runs", nargs=-1, shell_complete=completion.runs)
@option_group(
    "Runs and what is shown of them",
    option("--task", "name", help="Only runs of this task."),
    option(
        "--figure",
        type=click.Path(path_type=Path),
        help="Draw figures (PNG and SVG) into this folder; needs [figures].",
    ),
    option(
        "--page",
        type=click.Path(path_type=Path),
        metavar="FILE.html",
        help="Write a page to explore the items in: one file, which needs no server.",
    ),
    option("--variance", is_flag=True, help="Split a score's variance: items, demonstrations, order, template, seed."),
    option(
        "--crossover",
        "crossing",
        is_flag=True,
        help="With how many labelled examples each baseline overtakes each prompt, from runs at several --train-size.",
    ),
    option("--watch", "watched", is_flag=True, help="Show the table anew when a run is sealed, until Ctrl-C."),
    option("--every", type=click.FloatRange(0.1), default=2, show_default=True, help="With --watch: seconds."),
)
@option_group(
    "Money, with --crossover and --price",
    option("--label-cost", type=float, metavar="MONEY", help="What one label costs."),
    option("--volume", type=float, metavar="N", help="Items that a prompt would answer in a month."),
)
@table_options
def report(
    runs: Sequence[str],
    name: str | None,
    metric: str | None,
    reference: str | None,
    correction: str,
    price: tuple[float, ...] | None,
    results: Path,
    figure: Path | None,
    page: Path | None,
    variance: bool,
    crossing: bool,
    label_cost: float | None,
    volume: float | None,
    watched: bool,
    every: float,
    **options: Any,
) -> None:
    """Print the table of past RUNS (folders or names under --results; all of them by default).

    RUNS that are named must be over the same items; else each set of items has a table of its own.
    """
    outlet = Outlet.of(options, results)
    known_correction(correction)
    _apart(outlet, {"variance": variance, "crossover": crossing, "watch": watched}, bool(runs), figure, page)
    known_terms(crossing, label_cost, price, volume)
    if page:
        known_page(page)
    from harness.compare.differences import Price, compare
    from harness.compare.variance import decompose
    from harness.report.variance import render as render_variance

    paid = Price(*price) if price else None
    if watched:
        watch.watch(results, name, every, lambda group: compare(group, metric, reference, correction, paid))
        return
    groups = _groups(runs, results, name)
    if variance:
        outlet.text(render_variance([part for group in groups for part in decompose(group, metric)], str(outlet.form)))
        return
    comparisons = [compare(group, metric, reference, correction, paid) for group in groups]
    crossovers = crossed(comparisons, known_terms(crossing, label_cost, price, volume)) if crossing or page else []
    if crossing:
        outlet.text(render_crossovers(crossovers, str(outlet.form)))
    else:
        outlet.tables(comparisons)
    if figure:
        draw(comparisons, figure, crossovers if crossing else [])
    if page:
        said = {"task": name, "metric": metric, "reference": reference, "correction": correction, "results": results}
        write_page(comparisons, page, results, [*runs, *words(page=page, price=price, **said)], crossovers)


def _groups(runs: Sequence[str], results: Path, name: str | None) -> list[list[Run]]:
    """The runs that are named, or all that can be read, those that can be compared together."""
    from harness.compare.groups import comparable
    from harness.results.store import find, load, load_all, named

    folders = [named(run, results, name) for run in runs] if runs else find(results, name)
    if not folders:
        raise InputError(
            f"{results}: no runs{f' of task {name!r}' if name else ''}. Make some with `harness run --task NAME`."
        )
    if runs:
        return [[load(folder) for folder in folders]]
    loaded = list(load_all(folders, left_out()))
    if not loaded:
        raise InputError(f"{results}: none of its runs can be read. Make them anew with `harness run`.")
    return comparable(loaded)


def _apart(outlet: Outlet, asked: Mapping[str, bool], runs: bool, figure: Path | None, page: Path | None) -> None:
    """Raises InputError for options of which each wants the command for itself; ``asked`` are the reports other than
    the table."""
    if sum(asked.values()) > 1:
        named = " and ".join(f"--{name}" for name, wanted in asked.items() if wanted)
        raise InputError(f"{named} are reports of their own: ask for each in its own command.")
    if asked["variance"] and (figure or page or outlet.loggers):
        raise InputError(
            "--variance draws no figure, writes no page and logs nothing: leave out --figure, --page and --log, or ask "
            "in another command."
        )
    if asked["crossover"] and outlet.loggers:
        raise InputError("--crossover logs nothing: leave out --log, or ask in another command.")
    if asked["watch"] and (runs or figure or page or outlet.loggers or not outlet.shown):
        raise InputError(
            "--watch shows in a terminal what is sealed from now on: give --task, --metric, --reference, --price "
            "and --every with it, and ask for the rest in another command."
        )
