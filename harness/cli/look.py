"""`harness show`, `list` and `report`: what there is to read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from cloup import argument, command, option, option_group

from harness import escape
from harness.cli.options import (
    demonstration_options,
    engine_options,
    known_correction,
    known_format,
    left_out,
    results_option,
    said_of_engine,
    split_option,
    table_options,
    taken,
)
from harness.cli.screen import note, say
from harness.errors import InputError, unknown


@command()
@option_group(
    "Task and prompt",
    option("--task", "name", required=True, help="Task name."),
    option("--template", default="plain", show_default=True, help="Template name, or a .j2 file."),
    option("--shots", type=click.IntRange(0), default=0, show_default=True, help="Number of demonstrations."),
    option("--seed", type=click.IntRange(0), default=0, show_default=True),
    split_option,
    option("--example", help="The item's id; else the split's first."),
)
@engine_options(option("--model", default="tiny", show_default=True, help="Folder, GGUF file or hub name."))
@demonstration_options(
    option("--selector", default="balanced", show_default=True, help="How demonstrations are chosen.")
)
def show(
    name: str,
    template: str,
    shots: int,
    selector: str,
    seed: int,
    model: str,
    engine: str,
    example: str | None,
    **options: Any,
) -> None:
    """Print one prompt exactly as the model gets it, special tokens visible, with token counts per part."""
    from harness.engines import create
    from harness.predictors.prompted import Prompted
    from harness.prompt.template import load
    from harness.study.asking import Asking
    from harness.study.show import show as look
    from harness.task import definition

    asking = Asking(**taken(Asking, options))
    chosen = asking.select_by(selector, seed)
    found = definition.load(name)
    made = create(engine, model, **said_of_engine(options))
    mode = "generate" if made.tokenizer is None else "score"
    prompted = Prompted(load(template, found), made, chosen, shots, asking.order, seed, mode)
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


LISTED = ("tasks", "templates", "kinds", "selectors", "engines", "calibrations", "baselines", "metrics", "runs")


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
        rows = [
            (escape.line(entry), " ".join(said.split())) for entry, said in entries(kind, name, results, left_out())
        ]
        width = max((len(entry) for entry, _ in rows), default=0)
        for entry, said in rows:
            say(f"  {entry:<{width}}  {said}".rstrip())
        if not rows:
            say("  none yet")


@command()
@argument("runs", nargs=-1)
@option_group(
    "Runs and what is shown of them",
    option("--task", "name", help="Only runs of this task."),
    option(
        "--figure",
        type=click.Path(path_type=Path),
        help="Draw figures (PNG and SVG) into this folder; needs [figures].",
    ),
    option("--variance", is_flag=True, help="Split a score's variance: items, demonstrations, order, template, seed."),
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
    from harness.compare.differences import Price, compare
    from harness.compare.groups import comparable
    from harness.compare.variance import decompose
    from harness.report import render
    from harness.report.variance import render as render_variance
    from harness.results.store import find, load, load_all

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
    loaded = [load(folder) for folder in folders] if runs else list(load_all(folders, left_out()))
    if not loaded:
        raise InputError(f"{results}: none of its runs can be read. Make them anew with `harness run`.")
    groups = [loaded] if runs else comparable(loaded)
    if variance:
        say(render_variance([part for group in groups for part in decompose(group, metric)], form))
        return
    paid = Price(*price) if price else None
    comparisons = [compare(group, metric, reference, correction, paid) for group in groups]
    say(render(comparisons, form))
    if figure:
        from harness.report.figure import draw

        for path in (path for comparison in comparisons for path in draw(comparison, figure)):
            note(f"Drew {path}")


def _no_run(name: str, known: dict[str, Path]) -> Path:
    raise unknown("run", name, known)
