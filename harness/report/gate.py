"""A gate's verdict for a terminal, a pull request, a CI server."""

from __future__ import annotations

import math
import secrets
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote, urlsplit
from xml.etree import ElementTree

from harness import escape
from harness.errors import InputError
from harness.gate.failure import Failure
from harness.gate.verdict import Checked, Decision, Finding, Flip, Slice, Verdict
from harness.report.numbers import DASH
from harness.stats.multiple import CORRECTIONS

SHOWN = 10  # flipped items of either kind
MOST = 12  # rows of a table, and checks told in full, in a comment
PLAIN = "%/:?#@!$&'+,;=~"  # of an address: signs that nothing in markdown or HTML takes for its own, between brackets
MARK = {Decision.PASS: "PASS", Decision.REGRESSION: "REGRESSION", Decision.UNDECIDED: "UNDECIDED"}
LEVEL = {Decision.PASS: "notice", Decision.REGRESSION: "error", Decision.UNDECIDED: "warning"}


def summary(checked: Checked) -> str:
    """The verdict in one sentence that says why."""
    verdict = checked.verdict
    deciding = next(f for f in verdict.findings if f.decision is verdict.decision)
    if verdict.identical:
        why = "both templates make the same prompts and got the same answers"
    else:
        why = _why(deciding, verdict)
    looked = f"{verdict.n} of {checked.total} items" if verdict.n < checked.total else f"{verdict.n} items"
    seeds = f", {checked.seeds} seeds" if checked.seeds > 1 else ""
    said = f"{checked.task}/{checked.template} against {checked.against}, {looked}{seeds}: {why}."
    return f"{said} {_failed(verdict)}" if any(verdict.failed) else said


def _turns(verdict: Verdict) -> tuple[str, str]:
    """What is said of items that got worse, and of those that got better."""
    if verdict.graded:
        return "Worse now than before", "Better now than before"
    return "Wrong now, right before", "Right now, wrong before"


def _slices(verdict: Verdict) -> str:
    """What is told of the slices, as far as the test in brackets."""
    if verdict.graded:
        return "Item score by label and tag (p: approximate randomization"
    return "Accuracy by label and tag (p: McNemar"


def _failed(verdict: Verdict) -> str:
    old, new = verdict.failed
    return f"Items without an answer, which count as wrong: {old} of the old side, {new} of the new one."


def _why(finding: Finding, verdict: Verdict) -> str:
    gap, margin = finding.difference, finding.margin
    seen = f"{finding.name} changed by {gap.value:+.3f}"
    if finding.decision is Decision.PASS:
        return f"{seen}, and surely by no less than {gap.low:+.3f}, which is within the margin of {margin:g}"
    if finding.decision is Decision.REGRESSION:
        if gap.high < 0:
            return f"{seen}, and surely by no more than {gap.high:+.3f}"
        return f"{seen}, which is worse than the margin of {margin:g}"
    if verdict.needed is None:
        more = "it is too close to the margin for any number of items to tell"
    else:
        more = f"it would take about {verdict.needed:,} items to tell, if the difference stays as it is"
    return f"{seen}, but it may be {gap.low:+.3f}: too little evidence for a margin of {margin:g}; {more}"


def terminal(checked: Checked) -> str:
    """All of it as plain text."""
    verdict = checked.verdict
    lines = [f"{MARK[verdict.decision]}  {escape.line(summary(checked))}", ""]
    width = max(18, *(len(escape.line(finding.name)) for finding in verdict.findings))
    for finding in verdict.findings:
        gap = finding.difference
        lines.append(
            f"  {escape.line(finding.name):<{width}} {gap.value:+.3f}  one-sided 95 % bounds {gap.low:+.3f} and "
            f"{gap.high:+.3f}  {finding.decision}"
        )
    if verdict.again:
        lines.append(f"  {'asked again':<{width}} {verdict.again:.3f}  added to the margin")
    if checked.prompt_tokens:
        lines.append(f"  {'prompt length':<{width}} {_length(*checked.prompt_tokens)}")
        lines.append(f"  {'tokens computed':<{width}} {checked.computed:,}")
    for title, flips in zip(_turns(verdict), (verdict.worse, verdict.better), strict=True):
        lines += ["", f"{title}: {len(flips)}"]
        lines += [f"  {_flip(flip, checked)}" for flip in flips[:SHOWN]]
        if len(flips) > SHOWN:
            lines.append(f"  … and {len(flips) - SHOWN} more")
    lines += ["", f"{_slices(verdict)}, {CORRECTIONS['holm']} over all of them)"] if verdict.slices else []
    names = [escape.line(each.name) for each in verdict.slices]
    width = max(map(len, names), default=0)
    lines += [
        f"  {name:<{width}}  n {each.n:>4}  {each.old:.3f} -> {each.new:.3f}  {each.new - each.old:+.3f}  "
        f"p {_p(each.adjusted)}"
        for name, each in zip(names, verdict.slices, strict=True)
    ]
    return "\n".join(lines)


def markdown(checked: Checked) -> str:
    """A comment for a pull request, which reads on its own."""
    verdict = checked.verdict
    lines = [
        f"### {MARK[verdict.decision]}: {escape.code(f'{checked.task}/{checked.template}')} "
        f"against {escape.code(checked.against)}",
        "",
        escape.markdown(summary(checked)),
        "",
        "| | new - old | one-sided 95 % bounds | |",
        "|:--|--:|:-:|:--|",
    ]
    for finding in verdict.findings:
        gap = finding.difference
        lines.append(
            f"| {escape.cell(finding.name)} | {gap.value:+.3f} | {gap.low:+.3f}, {gap.high:+.3f} | {finding.decision} |"
        )
    if verdict.again:
        lines += ["", f"Asked again, the metric moves by {verdict.again:.3f}, which is added to the margin."]
    if checked.prompt_tokens:
        lines += ["", f"Prompt length: {_length(*checked.prompt_tokens)}. Tokens computed: {checked.computed:,}."]
    for title, flips in zip(_turns(verdict), (verdict.worse, verdict.better), strict=True):
        if not flips:
            continue
        lines += ["", f"<details><summary>{title}: {len(flips)}</summary>", "", "| item | target | old | new | text |"]
        lines.append("|:--|:--|:--|:--|:--|")
        for flip in flips[:SHOWN]:
            cells = (flip.id, flip.target, flip.old, flip.new, _short(checked.texts.get(flip.id, "")))
            lines.append("| " + " | ".join(map(escape.cell, cells)) + " |")
        lines += ["", "</details>"]
    lines += [
        "",
        f"<details><summary>{_slices(verdict)}, {CORRECTIONS['holm']})</summary>",
        "",
        "| | n | old | new | difference | p |",
        "|:--|--:|--:|--:|--:|--:|",
        *(
            f"| {escape.cell(each.name)} | {each.n} | {each.old:.3f} | {each.new:.3f} | {each.new - each.old:+.3f} | "
            f"{_p(each.adjusted)} |"
            for each in _telling(verdict.slices)
        ),
        "",
        *([f"{len(verdict.slices) - MOST} more differ less.", ""] if len(verdict.slices) > MOST else []),
        "</details>",
    ]
    return "\n".join(lines)


def _telling(slices: Sequence[Slice]) -> list[Slice]:
    """The slices that a comment has room for, in their order: those that differ most, by p and then by how much."""
    ranked = sorted(slices, key=lambda each: (math.isnan(each.adjusted), each.adjusted, -abs(each.new - each.old)))
    kept = set(map(id, ranked[:MOST]))
    return [each for each in slices if id(each) in kept]


def github(checked: Checked) -> str:
    """A workflow command that marks the template's file."""
    verdict = checked.verdict
    title = f"harness check: {verdict.decision}"
    path = checked.path.absolute()
    shown = path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
    properties = f"file={escape.github_property(str(shown))},title={title}"
    return f"::{LEVEL[verdict.decision]} {properties}::{escape.github(summary(checked))}"


def workflow(text: str, checks: Sequence[Checked], failures: Sequence[Failure] = ()) -> str:
    """``text`` for the log of a workflow, in which nothing is taken for a command, and the commands after it."""
    token = secrets.token_hex(16)
    commands = [*map(github, checks), *map(_github_failure, failures)]
    return "\n".join([f"::stop-commands::{token}", escape.terminal(text), f"::{token}::", *commands])


def _github_failure(failure: Failure) -> str:
    """A workflow command for a check that came to no verdict."""
    return f"::error title=harness check: {failure.cause}::{escape.github(str(failure))}"


def markdown_all(checks: Sequence[Checked], failures: Sequence[Failure], link: str | None = None) -> str:
    """A comment for a pull request on several checks, those that do not pass first: the first few in full, the others
    in a line each. ``link`` is the address of a page that tells all. Raises InputError for one that is none."""
    ordered = sorted(checks, key=lambda checked: checked.verdict.decision is Decision.PASS)
    failed = [f"### {each.cause.upper()}: {escape.code(each.name)}\n\n{escape.markdown(each.why)}" for each in failures]
    others = "\n".join(f"- {MARK[each.verdict.decision]}: {escape.markdown(summary(each))}" for each in ordered[MOST:])
    report = f"Full report: <{address(link)}>" if link is not None else ""
    return "\n\n".join(filter(None, [*map(markdown, ordered[:MOST]), others, *failed, report])) + "\n"


def address(link: str) -> str:
    """``link`` as it may stand between angle brackets in markdown. Raises InputError for what is no address of a page
    on the web."""
    try:
        parts = urlsplit(link.strip())
        fine = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        fine = False
    if not fine:
        raise InputError(
            f"--link {escape.line(link)!r}: give a whole address, such as https://example.org/report.html."
        )
    return quote(link.strip(), safe=PLAIN)


def junit(checks: Sequence[Checked], passed: Sequence[bool], failures: Sequence[Failure] = ()) -> str:
    """One test case a finding; ``passed`` says which checks count as passed: what is found against the others is a
    failure. Where there is no verdict it is an error."""
    suites = ElementTree.Element("testsuites", name="harness check")
    for checked, fine in zip(checks, passed, strict=True):
        findings = checked.verdict.findings
        failed = [f for f in findings if f.decision is not Decision.PASS and not fine]
        suite = ElementTree.SubElement(
            suites,
            "testsuite",
            name=escape.line(f"{checked.task}/{checked.template}"),
            tests=str(len(findings)),
            failures=str(len(failed)),
            errors="0",
        )
        for finding in findings:
            names = {"classname": f"{checked.task}.{checked.template}", "name": f"{finding.name} not worse"}
            case = ElementTree.SubElement(suite, "testcase", {key: escape.line(name) for key, name in names.items()})
            if finding in failed:
                why = escape.line(_why(finding, checked.verdict))
                node = ElementTree.SubElement(case, "failure", type=finding.decision.value, message=why)
                node.text = terminal(checked)
            else:
                ElementTree.SubElement(case, "system-out").text = escape.terminal(summary(checked))
    for each in failures:
        name = escape.line(each.name)
        suite = ElementTree.SubElement(suites, "testsuite", name=name, tests="1", failures="0", errors="1")
        case = ElementTree.SubElement(suite, "testcase", classname=name, name="comes to a verdict")
        ElementTree.SubElement(case, "error", type=each.cause.value, message=escape.terminal(each.why))
    ElementTree.indent(suites)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(suites, encoding="unicode") + "\n"


def table(checks: Sequence[Checked], unsaved: Sequence[str], failures: Sequence[Failure] = ()) -> str:
    """One line a check, for a whole pack; ``unsaved`` are templates without a baseline."""
    head = ("template", "verdict", "metric", "new - old", "lower bound", "margin", "worse", "better", "n")
    rows = [*map(_row, checks), *((each.name, each.cause.upper(), *[DASH] * (len(head) - 2)) for each in failures)]
    shown = [[escape.line(cell) for cell in row] for row in (head, *rows)]
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
    lines = ["  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in shown]
    if unsaved:
        lines += ["", f"No saved baseline (harness check --save makes one): {', '.join(map(escape.line, unsaved))}"]
    return "\n".join(lines)


def _row(checked: Checked) -> tuple[str, ...]:
    verdict = checked.verdict
    first = verdict.findings[0]
    return (
        f"{checked.task}/{checked.template}",
        MARK[verdict.decision],
        first.name,
        f"{first.difference.value:+.3f}",
        f"{first.difference.low:+.3f}",
        f"{verdict.margin:g}",
        f"{len(verdict.worse)}",
        f"{len(verdict.better)}",
        f"{verdict.n}",
    )


def _length(old: float, new: float) -> str:
    if math.isnan(new):
        return "not known: the server makes tokens of it"
    if math.isnan(old):
        return f"{new:.1f} tokens on average; that of the other side is not known"
    change = f"{100 * (new / old - 1):+.1f} %" if abs(new - old) >= 0.05 else "unchanged"
    return f"{old:.1f} -> {new:.1f} tokens on average ({change})"


def _flip(flip: Flip, checked: Checked) -> str:
    text = _short(checked.texts.get(flip.id, ""))
    return escape.line(f"{flip.id}: {flip.old} -> {flip.new} (right: {flip.target})  {text}")


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 100 else line[:99] + "…"


def _p(value: float) -> str:
    return DASH if math.isnan(value) else "<0.001" if value < 0.001 else f"{value:.3f}"
