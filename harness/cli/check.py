"""`harness check` and `plan`: the gate for a changed template, and how many items it takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource
from cloup import Command, command, option, option_group

from harness import aside
from harness.cli import faults, interruption
from harness.cli.options import (
    answer_options,
    count,
    demonstration_options,
    engine_options,
    left_out,
    many,
    reading_options,
    results_option,
    said_of_engine,
)
from harness.cli.screen import note, paragraph, say
from harness.errors import HarnessError, InputError

if TYPE_CHECKING:
    from harness.gate.failure import Failure
    from harness.gate.pack import Kept

FAILED = 4  # while running: 1 is a verdict here
EXIT = {"pass": 0, "regression": 1, "undecided": 3, "failed": FAILED, "wrong use": 2, "left behind": 2}
WORST = (1, FAILED, 2, 3, 0)  # of several checks the first of these is told


class Gate(Command):
    """A command of which exit code 1 is a verdict: no failure, foreseen or not, may look like one."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except click.exceptions.Exit:
            raise
        except (Exception, SystemExit) as error:
            fault = _known(error)
            faults.tell(fault)
            ctx.exit(fault.exit_code if isinstance(fault, InputError) else FAILED)


@command(cls=Gate)
@option_group(
    "What is checked",
    option("--task", "name", help="Task name."),
    option("--template", help="The changed template: its name, or a .j2 file."),
    option("--against", help="What it replaces: a template, a run, or (when left out) its saved baseline."),
    option("--all", "whole", is_flag=True, help="Check every template that has a saved baseline against it."),
    option("--save", is_flag=True, help="Keep the template's answers as its baseline, in a file to commit."),
    option("--shots", type=click.IntRange(0), default=0, show_default=True, help="Number of demonstrations."),
    many("--seed", "seeds", default=(0,), item=count, help="Seeds."),
)
@option_group(
    "The decision",
    option("--margin", type=float, default=0.02, show_default=True, help="How much worse is still acceptable."),
    option("--metric", help="Judge by this metric; else by the task's main one."),
    option("--sequential", is_flag=True, help="Look after every batch of items, and stop when it is certain."),
    option(
        "--undecided",
        type=click.Choice(["pass", "fail"]),
        help="Exit with 0 or 1, not 3, where the items are too few to tell.",
    ),
)
@option_group(
    "Reports",
    option("--junit", type=click.Path(path_type=Path), help="Write a JUnit report."),
    option("--markdown", type=click.Path(path_type=Path), help="Write a comment for a pull request."),
    option("--github", is_flag=True, help="Print annotations for GitHub Actions."),
    results_option,
)
@engine_options(option("--model", default="tiny", show_default=True, help="Folder, GGUF file or hub name."))
@demonstration_options(
    option("--selector", default="balanced", show_default=True, help="How demonstrations are chosen.")
)
@reading_options(
    option(
        "--calibrate",
        default="none",
        show_default=True,
        help="Take off what the model answers whatever it reads; `harness list calibrations` names the ways.",
    )
)
@answer_options
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
    **options: Any,
) -> None:
    """Is a changed template worse than what it replaces, by more than a margin?

    Both are asked about the same items with the same demonstrations. Passes only where the one-sided 95 % lower bound
    of the difference lies above minus the margin.

    Exit codes: 0 pass, 1 regression, 2 wrong use or bad input, 3 undecided with this many items, 4 failed while running
    (there is no verdict), 130 interrupted, 143 terminated. With --all, one that fails does not stop the others, and the
    worst is told: regression, failed, wrong use, undecided, pass.
    """
    from harness.gate import pack

    if whole:
        if name or template or against or save:
            raise InputError("--all checks every template against its saved baseline: leave out the others.")
        kept, failures = pack.pack(results)
    else:
        if not (name and template):
            raise InputError("say what to check: --task NAME --template NAME (or --all).")
        kept, failures = [pack.Kept(name, template, None)], []
    if save:
        _save(ctx, kept[0], options, results)
        return
    checks = []
    for each in kept:
        if each.baseline or not whole:
            try:
                checks.append(_decide(ctx, each.task, each.template, against, sequential, options, results))
            except (Exception, SystemExit) as error:
                failures.append(_failure(f"{each.task}/{each.template}", error))
    unsaved = [f"{each.task}/{each.template}" for each in kept if whole and not each.baseline]
    if not (checks or failures):
        raise InputError("no template has a saved baseline. Save one: harness check --task T --template NAME --save")
    _tell(ctx, checks, unsaved if whole else None, failures, options)


def _known(error: BaseException) -> HarnessError:
    """``error`` as one of the package's own; what a signal brought about goes on."""
    if interruption.behind(error):
        raise error
    return faults.known(error)


def _failure(name: str, error: BaseException) -> Failure:
    from harness.gate.failure import Cause, Failure

    fault = _known(error)
    cause = Cause.WRONG if isinstance(fault, InputError) else Cause.FAILED
    return Failure(name, paragraph(fault).removeprefix(f"{name}: "), cause)


def _save(ctx: click.Context, asked: Kept, options: dict[str, Any], results: Path) -> None:
    from harness.gate import check
    from harness.progress import Bars
    from harness.task import definition

    found = definition.load(asked.task)
    made = _asked(options)
    with Bars() as bars:
        path = check.Check(found, made, _engine(made, options, results), results, bars).save(asked.template)
    say(f"Saved {path}. Commit it; then: harness check --task {asked.task} --template {asked.template}")


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
    asked = _asked(options)
    path = None if said else question.find_baseline(name, template)
    if path is not None:
        given = {
            field.name: options[field.name]
            for field in fields(asked)
            if ctx.get_parameter_source(field.name) is ParameterSource.COMMANDLINE
        }
        asked = replace(question.question_of(path), **given)
    old = question.against(found, template, said, results)
    with Bars() as bars:
        made = check.Check(found, asked, _engine(asked, options, results), results, bars)
        return made.decide(template, old, sequential)


def _asked(options: Mapping[str, Any]) -> Any:
    """The options that make the question; the others say how it is answered and told."""
    from harness.gate.question import Question

    return Question(**{field.name: options[field.name] for field in fields(Question)})


def _engine(asked: Any, options: Mapping[str, Any], results: Path) -> Any:
    from harness.engines import create

    return create(options["engine"], asked.model, results / "models", **said_of_engine(dict(options)))


def _tell(
    ctx: click.Context,
    checks: Sequence[Any],
    unsaved: Sequence[str] | None,
    failures: Sequence[Failure],
    options: dict[str, Any],
) -> None:
    """Print and write the verdicts and what came to none, and exit with the worst."""
    from harness.report import gate

    decisions = [str(each.verdict.decision) for each in checks]
    if options["undecided"]:
        decisions = [options["undecided"] if each == "undecided" else each for each in decisions]
    passed = [each == "pass" for each in decisions]
    codes = [*(EXIT.get(each, 1) for each in decisions), *(EXIT[each.cause] for each in failures)]
    reports = {"junit": gate.junit(checks, passed, failures), "markdown": gate.markdown_all(checks, failures)}
    for form, text in reports.items():
        if options[form] is not None:
            try:
                aside.write(options[form], text)
            except HarnessError as error:  # the verdict stands
                faults.tell(error)
                codes.append(error.exit_code if isinstance(error, InputError) else FAILED)
    shown = "\n\n".join(map(gate.terminal, checks))
    if checks and unsaved is not None:
        shown += "\n\n" + gate.table(checks, unsaved, failures)
    if options["github"]:
        say(gate.workflow(shown, checks, failures))
    elif shown:
        say(shown)
    for each in failures:
        note(f"harness: {each}")
    ctx.exit(min(codes, key=WORST.index))


@command()
@option("--task", "name", required=True, help="Task name.")
@option("--margin", type=float, default=0.02, show_default=True, help="How much worse is still acceptable.")
@option("--power", type=float, default=0.8, show_default=True, help="The chance that an equal template passes.")
@option("--difference", type=float, default=0.0, show_default=True, help="The true difference you expect.")
@option("--discordance", type=float, help="Share of items right for one side only; else as seen so far.")
@option("--split", default="test", show_default=True, help="The items there are.")
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
    runs = list(sealed.load_all(sealed.find(results, name), left_out()))
    say(render(sizes.plan(runs, items, margin, power, difference, discordance)))
