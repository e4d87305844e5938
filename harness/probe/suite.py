"""Several probes of one study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from harness.compare import differences, groups
from harness.compare.finding import Finding, Probed
from harness.errors import InputError
from harness.probe import Probe
from harness.probe.asked import Asked
from harness.task.definition import Task


def look(chosen: Sequence[Probe], asked: Asked, own: Mapping[str, Task]) -> tuple[Probed, list[InputError]]:
    """What the ``chosen`` probes find, of ``asked`` or, by their names, of tasks of their ``own``; and why those that
    could not look did not. Raises InputError where none could."""
    findings: list[Finding] = []
    failed: list[InputError] = []
    for each in chosen:
        mine = replace(asked, task=own[each.name], _runs={}) if each.name in own else asked
        try:
            findings.append(each.look(mine))
        except InputError as error:
            failed.append(error)
    if not findings:
        raise failed[0]
    beside = any(finding.probe not in own for finding in findings)
    before = asked.before if beside else []
    scores = {groups.title(group): differences.score(group, asked.measured) for group in before}
    n = len(asked.items)
    return Probed(asked.task.name, asked.spec.split, n, asked.measured, scores, tuple(findings)), failed
