"""`harness check` of what is answered already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.cli.answers import recorded
from harness.errors import InputError

AGAIN = "repeat"  # the probe that no loss is allowed for: what it finds is added to the margin


def criteria(options: Mapping[str, Any]) -> Any:
    """What is judged besides answers."""
    from harness.compare.differences import Price
    from harness.gate.criteria import Criteria

    price = Price(*options["price"]) if options["price"] else None
    probes = [each for each in options["probes"] if each != AGAIN]
    again = len(probes) < len(options["probes"])
    return Criteria(price, options["cost_margin"], options["latency_margin"], losses(probes), again)


def losses(said: Sequence[str]) -> dict[str, float]:
    """NAME:LOSS as a mapping. Raises InputError for what is none."""
    found = {}
    for each in said:
        name, _, most = each.partition(":")
        try:
            found[name] = float(most)
        except ValueError:
            raise InputError(f"--probe {each!r}: give NAME:LOSS, such as typos:0.03, or {AGAIN} alone.") from None
    return found


def judge(
    name: str,
    runs: Sequence[str],
    answers: Sequence[str],
    against: Sequence[str],
    options: Mapping[str, Any],
    results: Path,
) -> Any:
    """A check of sealed ``runs`` and files of ``answers`` against others, each a run or a file."""
    from harness.gate import finished
    from harness.task import definition

    task, split = definition.load(name), options["split"]
    sealed = {folder.name for folder in finished.folders(task, results)}

    def read(file: str) -> list[Any]:
        limit, without = options["limit"], options["without_overlap"]
        found = recorded(task, split, [file])
        return [finished.answered(task, each, split, limit, without, results) for each in found]

    new = [finished.sealed(task, each, results) for each in runs] + [run for each in answers for run in read(each)]
    old: list[Any] = []
    for each in against:
        old += read(each) if each not in sealed and _is_file(each) else [finished.sealed(task, each, results)]
    return finished.check(task, new, old, results, options["metric"], options["margin"], criteria(options))


def _is_file(said: str) -> bool:
    """Whether it is FILE or FILE:COLUMN."""
    return Path(said).is_file() or Path(said.rpartition(":")[0]).is_file()
