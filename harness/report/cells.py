"""What every renderer of a table shares: the titles, the cells and the footer, as text."""

from __future__ import annotations

import math

from harness.compare.agreement import agreements
from harness.compare.differences import Comparison, Row
from harness.report.columns import calibrated, columns
from harness.report.numbers import interval
from harness.results.store import Run
from harness.stats.multiple import CORRECTIONS
from harness.types import Signature, Status

LABELS = 10  # that a footer names
FEW = 12  # clusters


def header(comparison: Comparison) -> list[str]:
    """The columns' titles."""
    return [column.title for column in columns(comparison)]


def cells(comparison: Comparison, row: Row) -> list[str]:
    """One row, in the order of ``header``."""
    return [column.cell(row) for column in columns(comparison)]


def footer(comparison: Comparison) -> list[str]:
    """What the numbers mean and how far they go."""
    what = f"{comparison.task}: {comparison.n:,} items, the same for every row. Brackets: 95 % intervals"
    what += f", by cluster{_few(comparison.clusters)}." if comparison.clusters else "."
    several = any(len(row.runs) > 1 for row in comparison.rows)
    if several:
        what += " Rows over several seeds show the mean; their intervals hold the seeds' variance too."
    lines = [what]
    if len(comparison.rows) > 1:
        lines[0] += (
            f" Difference: {comparison.metric} minus that of {comparison.reference}, paired item by item. "
            f"p: {_test(comparison, several)}, {_correction(comparison)}. "
            + (
                "Better : worse: items that this row, and that the reference, has better than the other."
                if comparison.graded
                else "Right : wrong: items that only this row, and that only the reference, has right."
            )
        )
    if not math.isnan(comparison.detectable):
        lines.append(
            f"A difference of {comparison.metric if comparison.graded else comparison.kind.score} below "
            f"{comparison.detectable:.3f} would be missed more than one time in five "
            "with these items: not significant does not mean equal."
        )
    lines += [*_missing(comparison), *_overlap(comparison), *_reliability(comparison)]
    lines += [*_reading(comparison), *_agreement(comparison)]
    for row in comparison.rows:
        if failed := row.count("failed"):
            lines.append(
                f"{row.label}: {failed:,} items got no answer and count as wrong: {_reason(row)}"
                + ("" if row.recorded else " The same command asks for them again.")
            )
        if row.recorded and (skipped := row.count("skipped")):
            lines.append(
                f"{row.label}: {skipped:,} items have no answer in its file and count as wrong. --partial compares on "
                "the items that all files have."
            )
    dropped = sum(row.count("dropped_demos") for row in comparison.rows)
    if dropped:
        lines.append(f"{dropped} prompts lost demonstrations to fit the model's length.")
    none = "named no label" if comparison.kind.outputs else "held no answer"
    for row in comparison.rows:
        if cut := row.count("cut_answers"):
            lines.append(f"{row.label}: {cut:,} answers {none} within max_tokens, where they were cut short.")
        if forged := row.count("control_tokens"):
            lines.append(
                f"{row.label}: the data of {forged:,} items hold what may be control tokens to the server's model, and "
                "only the server can make them plain text. Where it takes tokens, --engine-with tokenizer=NAME does."
            )
        if cut := row.count("cut_inputs"):
            lines.append(f"{row.label}: {cut:,} inputs were longer than its encoder takes; their beginnings were read.")
        if row.stuck:
            lines.append(_stuck(row, *row.stuck))
    return lines


def _reading(comparison: Comparison) -> list[str]:
    """What became of answers that could not be read as they were."""
    lines = []
    if any(row.lenient for row in comparison.rows):
        lines.append(f"Leniently: {comparison.kind.lenience}")
    if any(row.count("lost_parts") for row in comparison.rows):
        lines.append("Lost: parts of answers that are no part of any answer to the item, and were left out.")
    return lines


def _agreement(comparison: Comparison) -> list[str]:
    """How far answers made elsewhere agree with the labels and with one another, and what that says if people gave
    them."""
    found = agreements(comparison.rows)
    if not found:
        return []
    said = "; ".join(f"{a.one} and {a.other}: {interval(a.kappa)}, {interval(a.alpha)}" for a in found)
    return [
        f"Agreement beyond chance (Cohen's kappa, Krippendorff's alpha), over the items that both answer: {said}.",
        "Where a person gave such answers, their row is a ceiling: what scores above it follows this set of labels "
        "more closely than another reader does.",
    ]


def _few(clusters: int) -> str:
    """The number of clusters, and what few of them mean: a clustered standard error is then too small (Cameron, Gelbach
    and Miller, 2008)."""
    return f" ({clusters}: few, so that they may be too narrow)" if clusters < FEW else f" ({clusters:,})"


def _reliability(comparison: Comparison) -> list[str]:
    """What ``ece`` says of calibrated rows, and how to see it of those that are not."""
    if not any(map(calibrated, comparison.rows)):
        return []
    said = "Ece: how far stated probabilities are from the share that comes true (expected calibration error)."
    before = any(row.prompted and not calibrated(row) for row in comparison.rows)
    return [said if before else f"{said} To see it before calibration, too: --calibrate none,…"]


def _reason(row: Row) -> str:
    """Why the first of the row's failed items got no answer."""
    failed = (p for run in row.runs for p in run.predictions if p.status is Status.FAILED)
    raw = next((p.trace.raw for p in failed if p.trace), "")
    return f"{raw.rstrip('.') or 'it is not told why'}."


def _missing(comparison: Comparison) -> list[str]:
    """The labels of the task that these items say nothing about."""
    if not (missing := comparison.missing):
        return []
    named = ", ".join(map(repr, missing[:LABELS])) + (f" … ({len(missing)} labels)" if len(missing) > LABELS else "")
    return [f"No item is labelled {named}: these numbers say nothing about that."]


def _overlap(comparison: Comparison) -> list[str]:
    """The items that the train split holds too, as the runs counted them."""
    runs = [run for row in comparison.rows for run in row.runs]
    near, same, left = (
        max(int(run.counts.get(what, 0)) for run in runs)
        for what in ("overlap", "overlap_repeated", "overlap_left_out")
    )
    lines = []
    for found, are in ((near, "near-duplicates of training items"), (same, "training items too, word for word")):
        if found:
            lines.append(
                f"{found:,} of {comparison.n:,} items are {are}: they flatter trained baselines. --without-overlap "
                "compares on the rest."
            )
    if left:
        lines.append(f"{left:,} more items are near-duplicates of training items, and were left out.")
    return lines


def _stuck(row: Row, label: str, times: int, n: int) -> str:
    """That a row has one answer for nearly all, and for a prompt whose labels are scored as they are, what to try."""
    said = f"{row.label} answers {label} for {times:,} of {n:,} items"
    signed = dict(row.run.signature.pairs)
    if row.prompted and signed.get("mode") == "score" and signed.get("calibrate", "none") == "none":
        return f"{said}: its scores may be read wrongly; try --calibrate batch."
    return f"{said}, though the labels are spread."


def _test(comparison: Comparison, several: bool) -> str:
    if comparison.clusters:
        return "from the interval of the difference"
    test = "exact McNemar test" if comparison.counted else "approximate randomization test"
    return f"{test} (over several seeds, from the interval)" if several else test


def _correction(comparison: Comparison) -> str:
    if comparison.correction == "none":
        return "not adjusted for the number of rows"
    return f"adjusted for the number of rows ({CORRECTIONS[comparison.correction]})"


def signatures(comparison: Comparison) -> list[str]:
    """One line a run, from which it can be repeated."""
    return [f"{row.label}: {signature(run)}" for row in comparison.rows for run in row.runs]


def signature(run: Run) -> Signature:
    """With the size and the seed of its sample of the train split: the signature proper holds only what was drawn."""
    signed = {key for key, _ in run.signature.pairs}
    drawn = {} if run.spec["train_size"] is None else {key: run.spec[key] for key in ("train_size", "seed")}
    return run.signature + Signature.of(**{key: value for key, value in drawn.items() if key not in signed})
