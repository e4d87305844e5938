"""`harness check` and `plan`: the gate for a changed template, and how many items it takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from harness.cli.options import answer_options, count, engine_options, many, prompt_options, results_option
from harness.errors import InputError

EXIT = {"pass": 0, "regression": 1, "undecided": 3}
# Options that make the question; the others say how it is answered and told.
ASKED = (
    *("model", "shots", "selector", "seeds", "order", "draw", "demos", "embedder", "index", "mode"),
    *("overlength", "split", "limit", "metric", "margin"),
)


@click.command()
@click.option("--task", "name", help="Task name.")
@click.option("--template", help="The changed template: its name, or a .j2 file.")
@click.option("--against", help="What it replaces: a template, a run, or (when left out) its saved baseline.")
@click.option("--margin", type=float, default=0.02, show_default=True, help="How much worse is still acceptable.")
@click.option("--metric", help="Judge by this metric; else by the task's main one.")
@click.option("--sequential", is_flag=True, help="Look after every batch of items, and stop when it is certain.")
@click.option(
    "--undecided",
    type=click.Choice(["pass", "fail"]),
    help="Exit with 0 or 1, not 3, where the items are too few to tell.",
)
@click.option("--save", is_flag=True, help="Keep the template's answers as its baseline, in a file to commit.")
@click.option("--all", "whole", is_flag=True, help="Check every template that has a saved baseline against it.")
@click.option("--junit", type=click.Path(path_type=Path), help="Write a JUnit report.")
@click.option("--markdown", type=click.Path(path_type=Path), help="Write a comment for a pull request.")
@click.option("--github", is_flag=True, help="Print annotations for GitHub Actions.")
@click.option("--model", default="tiny", show_default=True, help="Folder, GGUF file or hub name.")
@click.option("--shots", type=click.IntRange(0), default=0, show_default=True, help="Number of demonstrations.")
@click.option("--selector", default="balanced", show_default=True, help="How demonstrations are chosen.")
@many("--seed", "seeds", default=(0,), item=count, help="Seeds.")
@prompt_options
@answer_options
@results_option
@click.pass_context
def check(
    ctx: click.Context,
    /,
    name: str | None,
    template: str | None,
    against: str | None,
    whole: bool,
    save: bool,
    sequential: bool,
    results: Path,
    demo: Sequence[str],
    **options: Any,
) -> None:
    """Is a changed template worse than what it replaces, by more than a margin?

    Both are asked about the same items with the same demonstrations. Passes only where the one-sided 95 % lower bound
    of the difference lies above minus the margin. Exit codes: 0 pass, 1 regression, 3 undecided with this many items, 2
    wrong use.
    """
    from harness.gate import question

    options["demos"] = demo
    if whole:
        if name or template or against or save:
            raise InputError("--all checks every template against its saved baseline: leave out the others.")
        pack = list(question.pack())
    else:
        if not (name and template):
            raise InputError("say what to check: --task NAME --template NAME (or --all).")
        pack = [(name, template, None)]
    if save:
        _save(ctx, pack[0], options, results)
        return
    checks = [
        _decide(ctx, task, each, against, sequential, options, results)
        for task, each, baseline in pack
        if baseline or not whole
    ]
    unsaved = [f"{task}/{each}" for task, each, baseline in pack if whole and not baseline]
    if whole and not checks:
        raise InputError("no template has a saved baseline. Save one: harness check --task T --template NAME --save")
    _tell(ctx, checks, unsaved if whole else None, options)


def _save(ctx: click.Context, asked: tuple[str, str, Any], options: dict[str, Any], results: Path) -> None:
    from harness.gate import check, question
    from harness.progress import Bars
    from harness.task import definition

    found = definition.load(asked[0])
    made = question.Question(**{key: options[key] for key in ASKED})
    with Bars() as bars:
        path = check.Check(found, made, _engine(made, options, results), results, bars).save(asked[1])
    click.echo(f"Saved {path}. Commit it; then: harness check --task {asked[0]} --template {asked[1]}")


def _decide(
    ctx: click.Context,
    name: str,
    template: str,
    said: str | None,
    sequential: bool,
    options: dict[str, Any],
    results: Path,
) -> Any:
    """One check. Against a saved baseline, what the command line leaves open is as it was when it was saved."""
    from harness.gate import check, question
    from harness.progress import Bars
    from harness.task import definition

    found = definition.load(name)
    asked = question.Question(**{key: options[key] for key in ASKED})
    path = None if said else question.find_baseline(found, template)
    if path is not None:
        names = {"demos": "demo"}
        given = {
            key: options[key]
            for key in ASKED
            if ctx.get_parameter_source(names.get(key, key)) is ParameterSource.COMMANDLINE
        }
        asked = replace(question.question_of(path), **given)
    old = question.against(found, template, said, results)
    with Bars() as bars:
        made = check.Check(found, asked, _engine(asked, options, results), results, bars)
        return made.decide(template, old, sequential)


def _engine(asked: Any, options: dict[str, Any], results: Path) -> Any:
    from harness.engines import create

    said = engine_options(options["revision"], options["dtype"], options["trust_remote_code"], options["engine_params"])
    return create(options["engine"], asked.model, results / "models", **said)


def _tell(ctx: click.Context, checks: Sequence[Any], unsaved: Sequence[str] | None, options: dict[str, Any]) -> None:
    """Print and write the verdicts, and exit with the worst."""
    from harness.report import gate

    decisions = [str(each.verdict.decision) for each in checks]
    if options["undecided"]:
        decisions = [options["undecided"] if each == "undecided" else each for each in decisions]
    passed = [each == "pass" for each in decisions]
    _write(options["junit"], gate.junit(checks, passed))
    _write(options["markdown"], "\n\n".join(map(gate.markdown, checks)) + "\n")
    click.echo("\n\n".join(map(gate.terminal, checks)))
    if unsaved is not None:
        click.echo("\n" + gate.table(checks, unsaved))
    if options["github"]:
        click.echo("\n".join(map(gate.github, checks)))
    codes = {EXIT.get(each, 1) for each in decisions}
    ctx.exit(1 if 1 in codes else max(codes))


def _write(path: Path | None, text: str) -> None:
    if path is None:
        return
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}. Give a file you can write to.") from None


@click.command()
@click.option("--task", "name", required=True, help="Task name.")
@click.option("--margin", type=float, default=0.02, show_default=True, help="How much worse is still acceptable.")
@click.option("--power", type=float, default=0.8, show_default=True, help="The chance that an equal template passes.")
@click.option("--difference", type=float, default=0.0, show_default=True, help="The true difference you expect.")
@click.option("--discordance", type=float, help="Share of items right for one side only; else as seen so far.")
@click.option("--split", default="test", show_default=True, help="The items there are.")
@results_option
def plan(
    name: str,
    margin: float,
    power: float,
    difference: float,
    discordance: float | None,
    split: str,
    results: Path,
) -> None:
    """How many items does the gate need to tell, and what can those at hand tell?"""
    from harness.compare import sizes
    from harness.report.plan import render
    from harness.results import store as sealed
    from harness.task import definition

    items = len(definition.load(name).examples(split))
    runs = [sealed.load(folder) for folder in sealed.find(results, name)]
    click.echo(render(sizes.plan(runs, items, margin, power, difference, discordance)))
