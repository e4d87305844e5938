"""Where a table goes: the screen, a file, logs."""

from __future__ import annotations

from collections.abc import MutableMapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import click

from harness import aside, escape, secret
from harness.cli.options import FORMATS, taken
from harness.cli.screen import note, say
from harness.errors import InputError, unknown

if TYPE_CHECKING:
    from harness.compare.differences import Comparison

BINARY = ("xlsx",)  # which no terminal shows
ENDINGS = {
    **{".txt": "terminal", ".md": "markdown", ".tex": "latex", ".htm": "html"},
    **{f".{form}": form for form in ("csv", "json", "html", "xlsx")},
}


@dataclass(frozen=True, slots=True)
class Outlet:
    """What the options say of where a table goes."""

    form: str | None
    output: Path | None
    loggers: Sequence[str] = ()
    log_dir: Path | None = None

    @classmethod
    def of(cls, options: MutableMapping[str, Any], results: Path, forms: Sequence[str] = FORMATS) -> Self:
        """Taken out of ``options``. Raises InputError, before anything runs, for a format that is none of ``forms``,
        and for a log that does not exist or lacks what it needs."""
        from harness import logs

        said = cls(**taken(cls, options))
        for name in said.loggers:
            logs.find(name)
        return replace(said, form=_format(said.form, said.output, forms), log_dir=said.log_dir or results / "logs")

    @property
    def shown(self) -> bool:
        """Whether a person reads it on a screen."""
        return self.form == "terminal" and self.output is None

    def text(self, content: str | bytes) -> None:
        """Print what is rendered, or write it to the file."""
        if self.output is not None:
            aside.write(
                self.output, f"{escape.terminal(secret.hidden(content))}\n" if isinstance(content, str) else content
            )
            note(f"Wrote {self.output}")
        elif isinstance(content, str):
            say(content)

    def tables(self, comparisons: Sequence[Comparison]) -> None:
        """Render, print or write, and log them."""
        from harness.report import render

        self.text(render(comparisons, str(self.form)))
        if self.loggers and self.log_dir:
            from harness.report import log

            for each in comparisons:
                log.write(each, self.loggers, self.log_dir)
            note(f"Logged to {', '.join(self.loggers)} ({self.log_dir})")


def _format(form: str | None, output: Path | None, forms: Sequence[str]) -> str:
    """The format that is asked for, else the one that the file's ending says."""
    if form is None:
        ending = output.suffix.lower() if output else ".txt"
        known = {each: form for each, form in ENDINGS.items() if form in forms}
        if ending not in known:
            raise InputError(
                f"--output {output}: its ending says no format. Give --format, or one of the endings "
                f"{', '.join(known)}."
            )
        return known[ending]
    if form not in forms:
        raise unknown("format", form, forms)
    if form in BINARY and output is None:
        command = click.get_current_context().info_name
        raise InputError(f"--format {form} is no text and needs a file: harness {command} --output table.{form}")
    return form
