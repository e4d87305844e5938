"""`harness init`."""

from __future__ import annotations

from pathlib import Path

import click
from cloup import argument, command, option

from harness.cli.screen import say
from harness.errors import InputError


@command()
@argument("data", type=click.Path(path_type=Path), nargs=-1)
@option("--name", required=True, help="The task's name.")
@option(
    "--input",
    "inputs",
    multiple=True,
    metavar="COLUMN,...",
    show_default="found",
    help="Input columns; repeat the option for a column with a comma in its name.",
)
@option("--target", show_default="found", metavar="COLUMN", help="The label's column.")
@option("--kind", show_default="found", metavar="KIND", help="What an answer is: see harness list kinds.")
@option("--options", multiple=True, metavar="COLUMN,...", show_default="found", help="Columns of an item's options.")
@option("--cluster", show_default="found", metavar="COLUMN", help="The column of an item's document; none for none.")
@option("--language", show_default="found", help="The language of the data, such as en or zh.")
@option("--format", "format_", show_default="found", metavar="FORMAT", help="The format of DATA: see docs/data.md.")
@option("--from-hub", metavar="NAME[:SUBSET]", help="A data set of a hub, or a folder in its layout, instead of DATA.")
@option(
    "--test",
    type=click.Path(path_type=Path),
    multiple=True,
    help="A file of test items; else 30 % of DATA are held out. Twice for two files of parallel lines.",
)
@option("--encoding", show_default="found", help="The encoding of text files, such as cp1252.")
@option("--seed", type=click.IntRange(0), default=0, show_default=True, help="For the split.")
@option("--into", type=click.Path(path_type=Path), default=Path(), help="The project's folder; else this one.")
def init(
    data: tuple[Path, ...],
    name: str,
    inputs: tuple[str, ...],
    target: str | None,
    kind: str | None,
    options: tuple[str, ...],
    cluster: str | None,
    language: str | None,
    format_: str | None,
    from_hub: str | None,
    test: tuple[Path, ...],
    encoding: str | None,
    seed: int,
    into: Path,
) -> None:
    """Make a project of your own from labelled DATA: tasks/NAME and prompts/NAME, ready to run.

    DATA is a table (CSV, TSV or other delimited text, JSON lines, a JSON array, each also as .gz; Parquet or Excel),
    or one of the formats of docs/data.md: CoNLL, Label Studio, doccano, brat, spaCy, SQuAD, TMX, two files of parallel
    lines, Schema-Guided Dialogue. What is guessed is told, with the options that change it.
    """
    if bool(data) == bool(from_hub):
        raise InputError("init: give DATA or --from-hub NAME" + (", not both." if data else "."))
    from harness.bring import table
    from harness.bring.rows import Asked

    asked = Asked(inputs, target, kind, options, cluster, language, format_)
    for line in table.init(into, name, data, test=test, encoding=encoding, seed=seed, asked=asked, from_hub=from_hub):
        say(line)
