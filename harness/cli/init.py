"""`harness init`."""

from __future__ import annotations

from pathlib import Path

import click

from harness.cli.options import many
from harness.cli.screen import say


@click.command()
@click.argument("data", type=click.Path(path_type=Path))
@click.option("--name", required=True, help="The task's name.")
@many("--input", "inputs", default=("text",), help="Input columns.")
@click.option("--target", default="label", show_default=True, help="The label's column.")
@click.option("--test", type=click.Path(path_type=Path), help="A CSV of test items; else 30 % of DATA are held out.")
@click.option("--encoding", default="utf-8", show_default=True, help="The CSV's encoding.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="For the split.")
@click.option("--into", type=click.Path(path_type=Path), default=Path(), help="The project's folder; else this one.")
def init(
    data: Path, name: str, inputs: tuple[str, ...], target: str, test: Path | None, encoding: str, seed: int, into: Path
) -> None:
    """Make a project of your own from the CSV file DATA: tasks/NAME and prompts/NAME, ready to run."""
    from harness.bring import table

    for line in table.init(into, name, data, inputs, target, test, encoding, seed):
        say(line)
    say(f"Next: harness run --task {name} --shots 0,5 --baseline majority --baseline tfidf-logreg")
