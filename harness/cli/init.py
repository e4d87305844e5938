"""`harness init`."""

from __future__ import annotations

import shlex
from pathlib import Path

import click
from cloup import argument, command, option

from harness.cli.screen import say


@command()
@argument("data", type=click.Path(path_type=Path))
@option("--name", required=True, help="The task's name.")
@option(
    "--input",
    "inputs",
    multiple=True,
    default=("text",),
    metavar="COLUMN,...",
    show_default="text",
    help="Input columns; repeat the option for a column with a comma in its name.",
)
@option("--target", default="label", show_default=True, help="The label's column.")
@option("--test", type=click.Path(path_type=Path), help="A file of test items; else 30 % of DATA are held out.")
@option("--encoding", show_default="found", help="The encoding of text files, such as cp1252.")
@option("--seed", type=click.IntRange(0), default=0, show_default=True, help="For the split.")
@option("--into", type=click.Path(path_type=Path), default=Path(), help="The project's folder; else this one.")
def init(
    data: Path,
    name: str,
    inputs: tuple[str, ...],
    target: str,
    test: Path | None,
    encoding: str | None,
    seed: int,
    into: Path,
) -> None:
    """Make a project of your own from the labelled table DATA: tasks/NAME and prompts/NAME, ready to run.

    DATA is CSV, TSV or other delimited text, JSON lines, a JSON array (each also as .gz), Parquet or Excel.
    """
    from harness.bring import table

    for line in table.init(into, name, data, inputs, target, test, encoding, seed):
        say(line)
    say(f"Next: harness run --task {shlex.quote(name)} --shots 0,5 --baseline majority --baseline tfidf-logreg")
