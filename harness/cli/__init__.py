"""The command line: words in, calls out. Everything heavy is imported inside the command that needs it."""

from __future__ import annotations

import atexit
import gc
import os
import sys
from errno import EACCES, EEXIST, EINVAL, EISDIR, ELOOP, ENAMETOOLONG, ENOENT, ENOTDIR, EPERM, EROFS
from typing import Any

import click
import cloup

from harness.cli import screen
from harness.cli.check import check, plan
from harness.cli.doctor import doctor
from harness.cli.init import init
from harness.cli.look import list_, report, show
from harness.cli.run import run
from harness.errors import HarnessError

TRACEBACK = "HARNESS_TRACEBACK"
# What is wrong with a path that was given. A full disk is none of it.
GIVEN = (ENOENT, EACCES, EPERM, EISDIR, ENOTDIR, EEXIST, ENAMETOOLONG, EINVAL, ELOOP, EROFS)


class Group(cloup.Group):
    """Turns the package's errors, and those of a file that cannot be read or written, into one paragraph on stderr and
    their exit code."""

    def __call__(self, *args: Any, **extra: Any) -> Any:
        """What a shell runs. What nothing foresaw is a fault of this package, and is called one; who calls ``main``,
        as tests do, gets the exception."""
        try:
            return self.main(*args, **extra)
        except Exception as error:
            if os.environ.get(TRACEBACK):
                raise
            said = screen.paragraph(f"{type(error).__name__}: {error}")
            screen.note(f"harness: {said} (a fault of harness itself; with {TRACEBACK}=1 set, it shows where)")
            sys.exit(1)

    def main(self, *args: Any, **extra: Any) -> Any:
        screen.prepare()
        return super().main(*args, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except HarnessError as error:
            screen.note(f"harness: {screen.paragraph(error)}")
            ctx.exit(error.exit_code)
        except click.ClickException as error:
            error.show(file=sys.stderr)
            ctx.exit(error.exit_code)
        except OSError as error:
            if error.filename is None:
                raise
            screen.note(f"harness: {error.filename}: {error.strerror or type(error).__name__}.")
            ctx.exit(2 if error.errno in GIVEN else 1)


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


for command in (run, show, list_, report, check, plan, init, doctor):
    main.add_command(command)
