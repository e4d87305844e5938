"""`harness show`, `list` and `report`: what there is to read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from harness.cli.options import (
    engine_options,
    known_correction,
    known_format,
    prompt_options,
    results_option,
    table_options,
)
from harness.errors import InputError, unknown


@click.command()
@click.option("--task", "name", required=True, help="Task name.")
@click.option("--template", default="plain", show_default=True, help="Template name, or a .j2 file.")
@click.option("--shots", type=click.IntRange(0), default=0, show_default=True, help="Number of demonstrations.")
@click.option("--selector", default="balanced", show_default=True, help="How demonstrations are chosen.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option("--model", default="tiny", show_default=True, help="Local path or hub name.")
@prompt_options
@click.option("--example", help="The item's id; else the split's first.")
def show(
    name: str,
    template: str,
    shots: int,
    selector: str,
    seed: int,
    model: str,
    order: str,
    draw: str,
    demo: Sequence[str],
    embedder: str,
    index: str,
    engine: str,
    split: str,
    example: str | None,
    **options: Any,
) -> None:
    """Print one prompt exactly as the model gets it, special tokens visible, with token counts per part."""
    from harness.engines import create
    from harness.predictors.prompted import Prompted
    from harness.prompt.template import load
    from harness.study import grid
    from harness.study.show import show as look
    from harness.task import definition

    chosen = grid.Spec(draw=draw, demos=demo, embedder=embedder, index=index).selector(selector, seed)
    found = definition.load(name)
    made = create(engine, model, **engine_options(**options))
    mode = "generate" if made.tokenizer is None else "score"
    prompted = Prompted(load(template, found), made, chosen, shots, order, seed, mode)
    shown = look(prompted, found, split, example)
    click.echo(shown.text)
    click.echo(click.style("─" * 40, dim=True))
    for part, tokens in shown.parts:
        click.echo(f"{tokens:6d}  {part}")
    if shown.prompt_tokens is None:
        click.echo("Sent as it is: the server makes tokens of it.")
    else:
        click.echo(f"{shown.prompt_tokens:6d}  prompt, of {prompted.engine.max_length} that the model takes")
    for text, tokens in shown.choices:
        click.echo(f"{tokens:6d}  choice {text!r}")
    for note in shown.notes:
        click.echo(note)
    if index != "exact":
        click.echo(f"Demonstrations chosen by {chosen}")
    if shown.excluded:
        click.echo(f"Barred as demonstrations of this item: {', '.join(shown.excluded)}")


KINDS = ("tasks", "templates", "selectors", "engines", "baselines", "metrics", "runs")


@click.command("list")
@click.argument("kinds", nargs=-1)
@click.option("--task", "name", help="Templates and runs of this task only.")
@results_option
def list_(kinds: Sequence[str], name: str | None, results: Path) -> None:
    """List tasks, templates, selectors, engines, baselines, metrics and runs (all, or the KINDS named)."""
    from harness.study.listing import entries

    for kind in kinds:
        if kind not in KINDS:
            raise unknown("kind", kind, KINDS)
    for kind in kinds or KINDS:
        click.echo(click.style(kind, bold=True))
        rows = entries(kind, name, results)
        width = max((len(entry) for entry, _ in rows), default=0)
        for entry, what in rows:
            click.echo(f"  {entry:<{width}}  {what}".rstrip())
        if not rows:
            click.echo("  none yet")


@click.command()
@click.argument("runs", nargs=-1)
@click.option("--task", "name", help="Only runs of this task.")
@click.option(
    "--figure", type=click.Path(path_type=Path), help="Draw figures (PNG and SVG) into this folder; needs [figures]."
)
@click.option(
    "--variance", is_flag=True, help="Split a score's variance: items, demonstrations, order, template, seed."
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
    form: str,
    figure: Path | None,
    variance: bool,
) -> None:
    """Print the table of past RUNS (folders or names under --results; all of them by default).

    RUNS that are named must be over the same items; else each set of items has a table of its own.
    """
    known_format(form)
    known_correction(correction)
    if variance and figure:
        raise InputError("--variance draws no figure: leave out --figure, or ask for each in its own command.")
    from harness.compare.differences import Price, comparable, compare
    from harness.compare.variance import decompose
    from harness.report import render
    from harness.report.variance import render as render_variance
    from harness.results.store import find, load

    folders = find(results, name)
    if runs:
        known = {folder.name: folder for folder in folders}
        folders = [
            Path(run) if Path(run).is_dir() else known[run] if run in known else _no_run(run, known) for run in runs
        ]
    if not folders:
        raise InputError(
            f"{results}: no runs{f' of task {name!r}' if name else ''}. Make some with `harness run --task NAME`."
        )
    loaded = [load(folder) for folder in folders]
    groups = [loaded] if runs else comparable(loaded)
    if variance:
        click.echo(render_variance([part for group in groups for part in decompose(group, metric)], form))
        return
    paid = Price(*price) if price else None
    comparisons = [compare(group, metric, reference, correction, paid) for group in groups]
    click.echo(render(comparisons, form))
    if figure:
        from harness.report.figure import draw

        for path in (path for comparison in comparisons for path in draw(comparison, figure)):
            click.echo(f"Drew {path}", err=True)


def _no_run(name: str, known: dict[str, Path]) -> Path:
    raise unknown("run", name, known)
