"""`harness report --watch`: the table while runs in other processes go on."""

from __future__ import annotations

import select
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from harness import escape, secret
from harness.cli.interruption import Interrupted
from harness.cli.options import left_out
from harness.cli.screen import say
from harness.errors import InputError

if TYPE_CHECKING:
    from harness.compare.differences import Comparison
    from harness.results.store import Run

Compare = Callable[[Sequence["Run"]], "Comparison"]
NONE = "No runs yet."


def watch(root: Path, task: str | None, every: float, compare: Compare) -> None:
    """Show the tables of the runs below ``root``, and how far those under way are, every so many seconds, until Ctrl-C
    or until nobody reads any more. Where stdout is no terminal a table is printed when it is another."""
    from harness.results.shelf import Shelf

    tell = left_out()
    shelf, text = Shelf(root, task, tell), NONE
    try:
        with (_screen if sys.stdout.isatty() else _lines)() as show:
            while _read_by_anyone():
                if shelf.look():
                    text = _tables(shelf.runs, compare, tell)
                show(text, f"Watching {root} every {every:g} s, until Ctrl-C. {_under_way(root)}")
                time.sleep(every)
    except (Interrupted, KeyboardInterrupt) as ended:
        if isinstance(ended, Interrupted) and ended.number != signal.SIGINT:
            raise
    if sys.stdout.isatty():
        say(text)


def _tables(runs: Sequence[Run], compare: Compare, tell: Callable[[InputError], None]) -> str:
    """The tables of those runs that can be compared."""
    from harness.compare.groups import comparable
    from harness.report.terminal import render

    made = []
    for group in comparable(runs):
        try:
            made.append(compare(group))
        except InputError as error:  # a metric or a reference that is not among them, or not yet
            tell(error)
    return render(made) if made else NONE


def _under_way(root: Path) -> str:
    from harness.engines.underway import asking

    found = asking(root / "journal.sqlite")
    return f"Under way: {found.answered:,} of {found.claimed:,} answers." if found else ""


Show = Callable[[str, str], None]
"""Called with the tables, and with what is under way."""


@contextmanager
def _screen() -> Iterator[Show]:
    """The tables in one place of the terminal, as much of them as it holds."""
    from rich.console import Console, Group
    from rich.live import Live
    from rich.text import Text

    def line(text: str) -> Text:
        return Text(escape.terminal(secret.hidden(text)), no_wrap=True, overflow="crop")

    with Live(console=Console(), auto_refresh=False, transient=True) as live:
        yield lambda text, state: live.update(Group(line(state), line(""), line(text)), refresh=True)


@contextmanager
def _lines() -> Iterator[Show]:
    """Tables one below the other, each where it differs from the last."""
    shown = {NONE}

    def show(text: str, _: str) -> None:
        if text not in shown:
            shown.clear()
            shown.add(text)
            say(text + "\n")

    yield show


def _read_by_anyone() -> bool:
    """Whether who reads stdout, such as ``| head``, is still there, as far as the system tells."""
    try:
        readers = select.poll()
        readers.register(sys.stdout.fileno(), 0)
    except (AttributeError, OSError):
        return True
    return not any(event & select.POLLERR for _, event in readers.poll(0))
