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
from harness.cli import completion, faults, interruption, study
from harness.cli.judged import criteria, judge
from harness.cli.options import (
    answer_options,
    count,
    demonstration_options,
    engine_options,
    left_out,
    many,
    price_option,
    reading_options,
    results_option,
    said_of_engine,
)
from harness.cli.screen import note, paragraph, say
from harness.errors import HarnessError, InputError

if TYPE_CHECKING:
    from harness.gate.failure import Failure
    from harness.gate.pack import Kept
    from harness.task.definition import Task

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
@study.argument
@option_group(
    "What is checked",
    option("--task", "name", help="Task name.", shell_complete=completion.tasks),
    option(
        "--template",
        help="The changed template: its name, or a .j2 file.",
        shell_complete=completion.templates,
    ),
    option("--against", help="What it replaces: a template, a run, or (when left out) its saved baseline."),
    many(
        "--change",
        "changes",
        help="Keep the template, change how it is asked: model=NAME, shots=5, calibrate=batch, engine-with=KEY=VALUE.",
    ),
    many(
        "--run",
        "runs",
        help="Judge a sealed run (of several seeds: all) against that of --against; ask nothing.",
        shell_complete=completion.runs,
    ),
    many("--answers", "answers", help="Judge a file of answers, FILE or FILE:COLUMN, against --against; ask nothing."),
    option("--all", "whole", is_flag=True, help="Check every template that has a saved baseline against it."),
    option("--save", is_flag=True, help="Keep the template's answers as its baseline, in a file to commit."),
    option("--shots", type=click.IntRange(0), default=0, show_default=True, help="Number of demonstrations."),
    many("--seed", "seeds", default=(0,), item=count, help="Seeds."),
)
@option_group(
    "The decision",
    option("--margin", type=float, default=0.02, show_default=True, help="How much worse is still acceptable."),
    option("--metric", help="Judge by this metric; else by the task's main one."),
    option("--cost-margin", type=float, help="How much dearer is acceptable, as a share; needs --price."),
    option("--latency-margin", type=float, help="How much slower is acceptable, as a share of the 95th percentile."),
    many(
        "--probe",
        "probes",
        help="What it may lose where items change: typos:0.03; or repeat: add to the margin what asking again changes.",
    ),
    price_option,
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
    option("--link", metavar="URL", help="With --markdown: where the full report is, told at its end."),
    option("--github", is_flag=True, help="Print annotations for GitHub Actions."),
    results_option,
)
@engine_options(option("--model", help="Folder, GGUF file or hub name; else tiny, or smollm2 to write."))
@demonstration_options(option("--selector", default="auto", show_default=True, help="How demonstrations are chosen."))
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
    study_file: Path | None,
    name: str | None,
    template: str | None,
    against: str | None,
    changes: Sequence[str],
    runs: Sequence[str],
    answers: Sequence[str],
    whole: bool,
    save: bool,
    sequential: bool,
    results: Path,
    **options: Any,
) -> None:
    """Is a changed template worse than what it replaces, by more than a margin?

    Both are asked about the same items with the same demonstrations. Passes only where the one-sided 95 % lower bound
    of the difference lies above minus the margin. Any other change is judged alike: how a template is asked (--change),
    or what was answered already (--run, --answers).

    Exit codes: 0 pass, 1 regression, 2 wrong use or bad input, 3 undecided with this many items, 4 failed while running
    (there is no verdict), 130 interrupted, 143 terminated. With --all, one that fails does not stop the others, and the
    worst is told: regression, failed, wrong use, undecided, pass.
    """
    from harness.gate import pack
    from harness.report.gate import address

    if options["link"] is not None:
        address(options["link"])
    if runs or answers:
        if not (name and against) or template or whole or save or sequential or changes or options["probes"]:
            raise InputError(
                "--run and --answers judge what is answered already: give --task and --against (a run, or a file of "
                "answers), and nothing that says how to ask."
            )
        _tell(ctx, [judge(name, runs, answers, against.split(","), options, results)], None, [], options)
        return
    if whole and (name or template or against or save or changes):
        raise InputError("--all checks every template against its saved baseline: leave out the others.")
    if save and changes:
        raise InputError("--save keeps a template as it is asked: say that by its own options, not by --change.")
    kept, failures = pack.pack(results) if whole else ([_named(name, template)], [])
    if save:
        _save(ctx, kept[0], options, results)
        return
    checks = []
    for each in kept:
        if each.baseline or not whole:
            try:
                checks.append(_decide(ctx, each.task, each.template, against, changes, sequential, options, results))
            except (Exception, SystemExit) as error:
                failures.append(_failure(f"{each.task}/{each.template}", error))
    unsaved = [f"{each.task}/{each.template}" for each in kept if whole and not each.baseline]
    if not (checks or failures):
        raise InputError("no template has a saved baseline. Save one: harness check --task T --template NAME --save")
    _tell(ctx, checks, unsaved if whole else None, failures, options)


def _named(name: str | None, template: str | None) -> Kept:
    from harness.gate.pack import Kept

    if not (name and template):
        raise InputError("say what to check: --task NAME --template NAME (or --all).")
    return Kept(name, template, None)


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
    made = _asked(found, asked.template, options)
    with Bars() as bars:
        path = check.Check(found, made, _engine(made, options, results), results, bars).save(asked.template)
    say(f"Saved {path}. Commit it; then: harness check --task {asked.task} --template {asked.template}")


def _decide(
    ctx: click.Context,
    name: str,
    template: str,
    said: str | None,
    changes: Sequence[str],
    sequential: bool,
    options: dict[str, Any],
    results: Path,
) -> Any:
    """One check. Against a saved baseline, what the command line leaves open is as it was when it was saved."""
    from harness.gate import check, question
    from harness.progress import Bars
    from harness.task import definition

    if changes:
        return _changed(name, template, said, changes, sequential, options, results)
    found = definition.load(name)
    asked = _asked(found, template, options)
    path = None if said else question.find_baseline(name, template)
    if path is not None:
        given = {
            field.name: options[field.name]
            for field in fields(asked)
            if ctx.get_parameter_source(field.name) in (ParameterSource.COMMANDLINE, ParameterSource.DEFAULT_MAP)
        }
        asked = replace(question.question_of(path), **given)
    old = question.against(found, template, said, results)
    with Bars() as bars:
        engine = _engine(asked, options, results)
        made = check.Check(found, asked, engine, results, bars, criteria=criteria(options))
        return made.decide(template, old, sequential)


def _changed(
    name: str,
    template: str,
    said: str | None,
    changes: Sequence[str],
    sequential: bool,
    options: dict[str, Any],
    results: Path,
) -> Any:
    """A check of one template asked in another way, against how the options ask it, or what --against names."""
    from harness.gate import check, question
    from harness.progress import Bars
    from harness.task import definition

    found = definition.load(name)
    other, keys = question.changed(changes, options)
    with Bars() as bars:
        asked = _asked(found, template, options)
        old = question.against(found, template, said or template, results)
        if old.name:
            before = check.Check(found, asked, _engine(asked, options, results), results, bars)
            old = replace(old, name=None, runs=tuple(before.run(old.name)), reading=before.read(old.name))
        asked = _asked(found, template, other)
        engine = _engine(asked, other, results)
        made = check.Check(found, asked, engine, results, bars, changed=keys, criteria=criteria(options))
        return replace(made.decide(template, old, sequential), template=f"{template} with {', '.join(changes)}")


def _asked(task: Task, template: str, options: Mapping[str, Any]) -> Any:
    """The options that make the question; the others say how it is answered and told."""
    from harness.gate.question import Question
    from harness.study import defaults

    said = {field.name: options[field.name] for field in fields(Question)}
    said["model"] = said["model"] or defaults.model(task, [template])
    said["selector"] = defaults.selector(said["selector"], task.kind)
    return Question(**said)


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
    reports = {
        "junit": gate.junit(checks, passed, failures),
        "markdown": gate.markdown_all(checks, failures, options["link"]),
    }
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
