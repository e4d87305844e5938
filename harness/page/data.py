"""All that a page holds, block by block, as ``data.d.ts`` has it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from importlib.metadata import version
from typing import Any

from harness import metrics
from harness.compare.crossover import Crossover
from harness.compare.differences import Comparison
from harness.compare.suspects import Voter, source, suspects
from harness.page import cuts, parts
from harness.page.answers import answers
from harness.page.crossover import crossover
from harness.page.given import Given
from harness.page.html import assemble
from harness.page.items import items
from harness.page.numbers import plain
from harness.page.prompts import prompts
from harness.page.said import Said, said
from harness.page.table import table
from harness.page.texts import texts
from harness.results import store

VERSION = 1


def page(
    comparisons: Sequence[Comparison], given: Sequence[Given], command: str, crossovers: Sequence[Crossover] = ()
) -> str:
    """The file of these tables; of each ``given`` says what its runs do not keep, ``command`` writes the file again.
    ``crossovers`` are those of the same tables."""
    title = f"harness: {', '.join(dict.fromkeys(each.task for each in comparisons))}"
    blocks: dict[str, Any] = {}
    shown = []
    for place, (told, more) in enumerate(zip(comparisons, given, strict=True)):
        crossing = next((each for each in crossovers if each.comparison is told), None)
        comparison = _held(told)
        rows = [said(row) for row in comparison.rows]
        made, own = _table(comparison, more, rows, crossing)
        shown.append(made)
        blocks |= {f"items-{place}": own, f"texts-{place}": texts(comparison.kind, more)}
        for name, value in _of_rows(comparison, more, rows):
            kind, _, row = name.partition("-")
            blocks[f"{kind}-{place}-{row}"] = value
    summary = {
        "version": VERSION,
        "title": title,
        "harness": version("prompt-harness"),
        "command": command,
        "tables": shown,
    }
    return assemble(title, [("summary", summary), *blocks.items()])


def _held(comparison: Comparison) -> Comparison:
    """With the items, which all runs share, read once: they are gone through many times."""
    examples = tuple(comparison.rows[0].run.examples)
    rows = (replace(row, runs=tuple(replace(run, examples=examples) for run in row.runs)) for row in comparison.rows)
    return replace(comparison, rows=tuple(rows))


def _table(
    comparison: Comparison, given: Given, rows: Sequence[Said], crossing: Crossover | None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the first screen shows of a table, and its items."""
    kind, examples = comparison.kind, comparison.rows[0].run.examples
    mean = metrics.create(parts.NAME, kind)
    labels = {row.label: each for row, each in zip(comparison.rows, rows, strict=True)}
    cut = cuts.cuts(kind, examples, given, labels)
    numbers = parts.parts(cut, rows, mean, store.clusters(examples))
    return (
        table(comparison, rows, given, mean, numbers, _suspects(comparison, rows)) | {"crossover": crossover(crossing)},
        items(kind, examples, cut, rows),
    )


def _suspects(comparison: Comparison, rows: Sequence[Said]) -> dict[str, Any] | None:
    """Items whose labels may be wrong."""
    voters = [
        Voter(each.outputs, each.stated, source(row.run)) for row, each in zip(comparison.rows, rows, strict=True)
    ]
    found = suspects(comparison.kind, comparison.rows[0].run.examples, voters)
    if found is None:
        return None
    items = [
        {"item": each.place, "doubt": plain(each.doubt), "said": each.said, "rows": list(each.rows)}
        for each in found.items
    ]
    return {"items": items, "planted": found.words}


def _of_rows(comparison: Comparison, given: Given, rows: Sequence[Said]) -> Iterator[tuple[str, Any]]:
    """What is read of a row when an item is opened."""
    for place, row in enumerate(rows):
        yield f"answers-{place}", answers(comparison.kind, given.items, row)
        made = given.prompts[place] if given.prompts else None
        if made is not None:
            yield f"prompts-{place}", prompts(made(), row.demos)
