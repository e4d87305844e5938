"""What an exception that ends a command says: a paragraph, and whether the user can mend it."""

from __future__ import annotations

import os
import traceback

import click

from harness import errors, secret
from harness.cli import screen
from harness.errors import FULL, HarnessError, InputError

TRACEBACK = "HARNESS_TRACEBACK"


def known(error: BaseException) -> HarnessError:
    """``error`` as one of the package's own. What nothing foresaw is a fault of this package, and is called one."""
    if isinstance(error, HarnessError):
        return error
    if isinstance(error, click.ClickException):
        return InputError(error.format_message())
    if isinstance(error, OSError) and error.filename is not None:
        return errors.of_file(error, error.filename)
    if isinstance(error, OSError) and error.errno in FULL:
        return errors.of_file(error, "no more could be written")
    if os.environ.get(TRACEBACK):
        screen.note(secret.silent("".join(traceback.format_exception(error)).rstrip()))
    said = screen.paragraph(secret.silent(f"{type(error).__name__}: {error}"))
    return HarnessError(f"{said} (a fault of harness itself; with {TRACEBACK}=1 set, it shows where)")


def tell(error: HarnessError) -> None:
    """Say it on stderr, as one paragraph."""
    screen.note(f"harness: {screen.paragraph(error)}")
