"""The command line: words in, calls out. Everything heavy is imported inside the command that needs it."""

from __future__ import annotations

import atexit
import gc
from typing import Any

import click
import cloup

from harness.cli.check import check, plan
from harness.cli.init import init
from harness.cli.look import list_, report, show
from harness.cli.run import run
from harness.errors import HarnessError


class Group(cloup.Group):
    """Turns the package's errors into one paragraph on stderr and their exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except HarnessError as error:
            click.echo(f"harness: {error}", err=True)
            ctx.exit(error.exit_code)


@cloup.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="prompt-harness")
def main() -> None:
    """Does this few-shot prompt beat a small model trained on the same data, on these items, and by how much?

    Exit codes: 0 done, 1 failed while running, 2 wrong usage or bad input.
    """
    # What torch, transformers and vLLM make while they are imported stays: looking for garbage among it again and again
    # takes a second or more of each run, and another at its end.
    gc.set_threshold(50_000, 20, 20)
    atexit.register(gc.disable)


for command in (run, show, list_, report, check, plan, init):
    main.add_command(command)
