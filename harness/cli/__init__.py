"""The command line: words in, calls out. Everything heavy is imported inside the command that needs it."""

from __future__ import annotations

import atexit
import gc
import sys
from typing import Any

import click
import cloup

from harness.cli import faults, interruption, screen
from harness.cli.bring import export, import_
from harness.cli.check import check, plan
from harness.cli.continual import continual
from harness.cli.doctor import doctor
from harness.cli.init import init
from harness.cli.interruption import Interrupted
from harness.cli.look import list_, report, show
from harness.cli.probe import probe
from harness.cli.run import run
from harness.cli.transfer import transfer
from harness.cli.tune import tune
from harness.errors import HarnessError

# What a command has kept that a signal ends; the others keep nothing.
KEPT = {
    "run": "finished answers and trained models are kept: the same command goes on from there",
    "check": "finished answers are kept: the same command goes on from there",
    "tune": "finished answers and trained models are kept: the same command goes on from there",
    "probe": "finished answers and trained models are kept: the same command goes on from there",
}


class Group(cloup.Group):
    """Turns the package's errors, and those of a file that cannot be read or written, into one paragraph on stderr and
    their exit code."""

    def __call__(self, *args: Any, **extra: Any) -> Any:
        """What a shell runs: signals are heard, and what nothing foresaw is told too; who calls ``main``, as tests do,
        gets the exception."""
        interruption.listen()
        try:
            return self.main(*args, **extra)
        except Interrupted as signal:
            screen.note(f"harness: {signal}")
            sys.exit(signal.exit_code)
        except Exception as error:
            fault = faults.known(error)
            faults.tell(fault)
            sys.exit(fault.exit_code)
        finally:
            interruption.leave()

    def main(self, *args: Any, **extra: Any) -> Any:
        screen.prepare()
        return super().main(*args, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BaseException as error:
            if signal := interruption.behind(error):
                raise Interrupted(signal.number, KEPT.get(str(ctx.invoked_subcommand), "")) from None
            if isinstance(error, click.ClickException):
                error.show(file=sys.stderr)
                ctx.exit(error.exit_code)
            if isinstance(error, HarnessError) or (isinstance(error, OSError) and error.filename is not None):
                fault = faults.known(error)
                faults.tell(fault)
                ctx.exit(fault.exit_code)
            raise


@cloup.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="prompt-harness")
def main() -> None:
    """Does this few-shot prompt beat a small model trained on the same data, on these items, and by how much?

    Exit codes: 0 done, 1 failed while running (of `check` a regression, see there), 2 wrong usage or bad input, 130
    interrupted, 143 terminated.
    """
    # What torch, transformers and vLLM make while they are imported stays: looking for garbage among it again and again
    # takes a second or more of each run, and another at its end.
    gc.set_threshold(50_000, 20, 20)
    atexit.register(gc.disable)


for command in (run, show, list_, report, check, plan, tune, transfer, continual, probe, init, import_, export, doctor):
    main.add_command(command)
