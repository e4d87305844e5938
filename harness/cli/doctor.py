"""`harness doctor`."""

from __future__ import annotations

from pathlib import Path

import click
from cloup import command, option

from harness import escape
from harness.cli.options import results_option
from harness.cli.screen import paragraph, say


@command()
@results_option
@option("--mend", is_flag=True, help="Recover what can be read, and set aside what is damaged; nothing is deleted.")
def doctor(results: Path, mend: bool) -> None:
    """Look over what is kept: answers, sealed runs, trained models and indexes.

    Exit codes: 0 all is whole or mended, 1 something is damaged, 2 wrong usage.
    """
    from harness.study.checkup import checkup

    left, findings = 0, list(checkup(results, mend))
    for found in findings:
        state = "mended" if found.mended else "damaged" if found.wrong else "whole"
        left += state == "damaged"
        told = "; ".join(filter(None, (found.wrong or found.what, found.mended)))
        say(f"{state:<7}  {escape.line(str(found.path))}: {escape.line(paragraph(told))}")
    if not findings:
        say(f"{results}: nothing is kept there.")
    if left:
        say(f"Damaged: {left}. Run again with --mend to recover what can be read and to set the rest aside.")
        click.get_current_context().exit(1)
