"""`harness import` and `harness export`: tasks, prompts and answers from and for other programs."""

from __future__ import annotations

from pathlib import Path

import click
import cloup
from cloup import argument, option

from harness.cli.screen import note, say

into_option = option("--into", type=click.Path(path_type=Path), default=Path(), help="The project's folder; else this.")


@cloup.group("import")
def import_() -> None:
    """Take over tasks and prompts of other programs, as tasks/NAME and prompts/NAME."""


@import_.command("lm-eval")
@argument("tasks", nargs=-1, required=True, metavar="FILE|TASK...")
@option("--path", type=click.Path(path_type=Path), help="The folder of lm_eval's tasks; else the installed one's.")
@option("--data", type=click.Path(path_type=Path), help="A folder with a file a split, for the hub's data set.")
@option("--filter", "pipeline", metavar="NAME", help="Which of a task's filters reads answers; else its first.")
@option("--freeze", is_flag=True, help="Run the installed lm_eval once, and take what it asks: for tasks in Python.")
@option("--python", type=click.Path(path_type=Path), help="With --freeze: the Python that has lm_eval; else this one.")
@option("--limit", type=click.IntRange(1), help="With --freeze: so many items of each split.")
@into_option
def lm_eval(
    tasks: tuple[str, ...],
    path: Path | None,
    data: Path | None,
    pipeline: str | None,
    freeze: bool,
    python: Path | None,
    limit: int | None,
    into: Path,
) -> None:
    """Take over tasks of lm-evaluation-harness: YAML files, or tasks, groups and tags by name."""
    from harness.bring.lm_eval import bring
    from harness.bring.lm_eval.freeze import frozen

    for task in tasks:
        lines = frozen(task, into, path, python, limit, pipeline) if freeze else bring(task, into, path, data, pipeline)
        for line in lines:
            say(line)
    say("Next: harness run tasks/NAME/study.yaml, from the folder that it was written to")


@import_.command()
@argument("file", type=click.Path(path_type=Path))
@option("--task", "name", required=True, help="The task whose items the templates ask about.")
@into_option
def promptsource(file: Path, name: str, into: Path) -> None:
    """Take over templates of promptsource for a task that is there."""
    from harness.bring.promptsource import bring

    for line in bring(file, name, into):
        say(line)


@import_.command()
@argument("file", type=click.Path(path_type=Path))
@option("--name", help="The task's name; else that of the file's folder.")
@into_option
def promptfoo(file: Path, name: str | None, into: Path) -> None:
    """Take over the prompts and tests of a promptfooconfig.yaml."""
    from harness.bring.promptfoo import bring

    for line in bring(file, name, into):
        say(line)


FORMS = ("hub", "lm-eval", "eee")


@cloup.command()
@argument("form", metavar="|".join(FORMS))
@argument("run", metavar="RUN")
@option("--into", type=click.Path(path_type=Path), default=Path(), help="The folder to write to; else this.")
@option(
    "--results", type=click.Path(path_type=Path), default=Path("results"), show_default=True, help="Where runs are."
)
def export(form: str, run: str, into: Path, results: Path) -> None:
    """Write a RUN's answers as lm-evaluation-harness's samples (lm-eval) or Every Eval Ever (eee), or its task as a
    data set for a hub (hub)."""
    from harness.bring import given

    for line in given.export(form, run, into, results):
        note(line)
