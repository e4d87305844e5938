"""`harness report --page`: what runs do not keep is looked up, and the page is written."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness import aside
from harness.cli.options import RESULTS
from harness.cli.screen import note
from harness.errors import InputError

if TYPE_CHECKING:  # heavy, and needed where a page is written alone
    from harness.compare.differences import Comparison
    from harness.page.given import Given, Written
    from harness.report.crossover import Found
    from harness.study.prompts import Prompts


DEFAULTS = {"results": RESULTS, "correction": "holm"}


def words(**options: Any) -> list[str]:
    """``options`` as they are said on a command line; what is not said, or is said anyway, is left out."""
    if options["price"]:
        options["price"] = ",".join(f"{each:g}" for each in options["price"])
    said = {name: value for name, value in options.items() if value and value != DEFAULTS.get(name)}
    return [word for name, value in said.items() for word in (f"--{name}", str(value))]


def known_page(path: Path) -> None:
    """Raises InputError for what is no page's name, before anything is read."""
    if path.is_dir():
        raise InputError(f"--page {path}: it is a folder. Name a file in it: {path / 'report.html'}")
    if path.suffix.lower() not in (".html", ".htm"):
        mended = path.with_suffix(".html") if path.name.strip("-.") else Path("report.html")
        raise InputError(f"--page {path}: a page is an HTML file. Name it so: {mended}")


def write_page(
    comparisons: Sequence[Comparison], path: Path, results: Path, words: Sequence[str], crossovers: Sequence[Found]
) -> None:
    """Writes the page of ``comparisons`` and ``crossovers``, which the command of these ``words`` writes again."""
    from harness.page.data import page

    given = [_given(comparison, results / "models") for comparison in comparisons]
    text = page(comparisons, given, shlex.join(["harness", "report", *words]), [found for found, _ in crossovers])
    aside.write(path, text)
    for told in dict.fromkeys(told for each in given for told in each.notes):
        note(f"harness: {told}")
    note(f"Wrote {path}, {_size(len(text.encode()))}: it opens in a browser, and asks no server for anything")


def _given(comparison: Comparison, models: Path) -> Given:
    """What the runs of a table do not keep, as far as it is to be had."""
    from harness.page.given import Given
    from harness.study.prompts import prompts
    from harness.study.show import command
    from harness.study.texts import texts

    known = texts([row.run for row in comparison.rows])
    told: dict[str, list[str]] = {}
    made = []
    for row in comparison.rows:
        found, why = prompts(row.run, known, models) if row.prompted else (None, "")
        made.append(partial(_written, found) if found else None)
        if why:
            told.setdefault(why, []).append(row.label)
    notes = [*known.notes, *(f"{'; '.join(labels)}: {why}" for why, labels in told.items())]
    return Given(known.items, known.demos, made, [command(row.run) for row in comparison.rows], notes)


def _written(found: Prompts) -> Written:
    from harness.page.given import Written

    return Written(found.texts(), found.exact)


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{count / 1e3:.0f} kB"
