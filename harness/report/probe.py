"""What probes found, beside the scores that they qualify."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict

from harness import escape
from harness.compare.finding import BEYOND, Finding, Flip, Line, Probed, Row
from harness.errors import unknown
from harness.report import html, markdown, terminal
from harness.report.json import plain
from harness.report.numbers import DASH, interval, number, p
from harness.report.sections import Part

FORMATS = ("terminal", "markdown", "csv", "json", "html")
HEAD = ("predictor", "measure", "value", "before", "after", "lost : won", "p", "items")
LEFT = HEAD[:2]
AS_IT_IS = "as it is"
SURE, MARK = 0.05, "†"
NOTE = (
    "Brackets: 95 % intervals, paired item by item. Lost : won: items that were right before only, and after only. p "
    "is not adjusted for the number of probes."
)
PAGE = (
    "A change is that of the score, on the changed items alone, with its 95 % interval, paired item by item. "
    f"{MARK}: p below 0.05, adjusted for all of this table (Holm)."
)


def render(probed: Probed, form: str, flips: int = 3) -> str:
    """One of ``FORMATS``: what each probe found, and where there were several, one table of all at the end (in ``html``
    at the beginning). Of changed answers the first ``flips`` of each probe are shown, in ``json`` all."""
    if form not in FORMATS:
        raise unknown("format", form, FORMATS)
    if form == "json":
        return json.dumps(plain(asdict(probed)), indent=2, ensure_ascii=False)
    if form == "csv":
        return _csv(probed.findings)
    return _FORMS[form](probed, flips)


def _terminal(probed: Probed, flips: int) -> str:
    shown = [text for finding in probed.findings for text in _shown(finding, flips)]
    told = [[NOTE, *_notes(probed)], *([shown] if shown else [])]
    made = [terminal.table(HEAD, _parts(probed), told, LEFT)]
    if titles := _titles(probed):
        made.append(escape.line(_title(probed)))
        made.append(terminal.table(titles, [("", _page(probed))], [[PAGE]], titles[:1]))
    return "\n\n".join(made)


def _markdown(probed: Probed, flips: int) -> str:
    made = [*markdown.table(HEAD, _parts(probed), LEFT), "", *map(escape.markdown, [NOTE, *_notes(probed)])]
    if shown := [text for finding in probed.findings for text in _shown(finding, flips)]:
        made += ["", *(f"- {escape.markdown(text)}" for text in shown)]
    if titles := _titles(probed):
        made += ["", f"**{escape.markdown(_title(probed))}**", ""]
        made += [*markdown.table(titles, [("", _page(probed))], titles[:1]), "", escape.markdown(PAGE)]
    return "\n".join(made)


def _html(probed: Probed, flips: int) -> str:
    made = []
    if titles := _titles(probed):
        named = _title(probed)
        made.append(html.notes([named]) + html.table(named, titles, [("", _page(probed))], html.notes([PAGE])))
    for finding, (heading, rows) in zip(probed.findings, _parts(probed), strict=True):
        shown = "".join(f"<li>{escape.html(text)}</li>" for text in _shown(finding, flips))
        below = html.notes([f"{finding.source}.", *finding.notes]) + (f"<ul>{shown}</ul>" if shown else "")
        made.append(f"<h2>{escape.html(heading)}</h2>\n" + html.table(heading, HEAD, [("", rows)], below))
    made.append(html.notes([NOTE]))
    return html.document([(probed.task, "\n".join(made))])


_FORMS: dict[str, Callable[[Probed, int], str]] = {"terminal": _terminal, "markdown": _markdown, "html": _html}


def _parts(probed: Probed) -> list[Part]:
    """What each probe found, as cells."""
    return [(each.probe, list(map(_cells, each.lines))) for each in probed.findings]


def _notes(probed: Probed) -> list[str]:
    return [f"{each.probe} ({each.source}): {' '.join(each.notes)}".rstrip(" :") for each in probed.findings]


def _title(probed: Probed) -> str:
    return f"{probed.task}, {probed.n:,} items of {probed.split}: {probed.metric}, and what it owes to how it was asked"


def _titles(probed: Probed) -> list[str]:
    """The head of the one table; empty where there is none."""
    return ["probe", *probed.scores] if probed.scores and len(probed.findings) > 1 else []


def _page(probed: Probed) -> list[list[str]]:
    scores = [AS_IT_IS, *map(interval, probed.scores.values())]
    return [scores, *([_measure(row, probed), *_beside(row, probed)] for row in probed.page())]


def _measure(row: Row, probed: Probed) -> str:
    if row.measure.startswith(BEYOND):
        return f"{row.probe}, {row.measure}"
    counted = "" if row.n == probed.n else f", n = {row.n:,}"
    measure = row.measure.removeprefix(f"{probed.metric}: ")
    return f"{row.probe}{counted}" if measure == f"change of {probed.metric}" else f"{row.probe}{counted}: {measure}"


def _beside(row: Row, probed: Probed) -> list[str]:
    return [_change(row.lines[name]) if name in row.lines else DASH for name in probed.scores]


def _change(line: Line) -> str:
    sure = "" if line.p is None or line.p >= SURE else f" {MARK}"
    return f"{interval(line.value, sign=line.signed)}{sure}"


def _cells(line: Line) -> tuple[str, ...]:
    turned = DASH if line.lost is None else f"{line.lost} : {line.won}"
    return (
        line.predictor,
        line.measure,
        interval(line.value, sign=line.signed),
        *(DASH if each is None else number(each) for each in (line.before, line.after)),
        turned,
        DASH if line.p is None else p(line.p),
        f"{line.n:,}",
    )


def _shown(finding: Finding, most: int) -> list[str]:
    """A line for each of the first changed answers, those that were lost first."""
    order = sorted(finding.flips, key=lambda flip: flip.said_before != flip.target)
    return [_flip(finding.probe, flip) for flip in order[:most]]


def _flip(probe: str, flip: Flip) -> str:
    said = " → ".join(DASH if each is None else each for each in (flip.said_before, flip.said_after))
    return f"{probe}, {flip.predictor}, {flip.id} ({flip.target}): {said}: {flip.after}"


def _csv(findings: Sequence[Finding]) -> str:
    out = io.StringIO()
    fields = ("probe", "predictor", "measure", "value", "low", "high", "n", "before", "after", "lost", "won", "p")
    writer = csv.DictWriter(out, fields, lineterminator="\n")
    writer.writeheader()
    for finding in findings:
        for line in finding.lines:
            said = {**asdict(line), **asdict(line.value), "probe": finding.probe}
            writer.writerow({key: escape.csv(v) if isinstance(v := plain(said[key]), str) else v for key in fields})
    return out.getvalue().rstrip("\n")
