"""What every renderer of a table shares: the columns, the cells and the footer, as text."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from harness.compare.differences import Comparison, Row
from harness.results.store import Run
from harness.stats.intervals import Estimate
from harness.stats.multiple import CORRECTIONS
from harness.types import Signature, Status

DASH = "–"
LABELS = 10  # that a footer names


def number(value: float) -> str:
    """A share with three decimals; a dash where it is unknown."""
    return DASH if math.isnan(value) else f"{value:.3f}"


def interval(estimate: Estimate | None, sign: bool = False) -> str:
    """Value and bounds, such as ``0.812 [0.764, 0.852]``."""
    if estimate is None or math.isnan(estimate.value):
        return DASH
    plus = "+" if sign else ""
    value = f"{estimate.value:{plus}.3f}"
    return f"{value} [{estimate.low:{plus}.3f}, {estimate.high:{plus}.3f}]" if not math.isnan(estimate.low) else value


def p(value: float | None) -> str:
    """A p value; empty on the reference, a dash where it is unknown."""
    if value is None:
        return ""
    return DASH if math.isnan(value) else "<0.001" if value < 0.001 else f"{value:.3f}"


@dataclass(frozen=True, slots=True)
class Column:
    """A title, what a row says under it, and whether a table of these rows needs it."""

    title: str
    cell: Callable[[Row], str]
    needed: bool = True


def columns(comparison: Comparison) -> list[Column]:
    """The columns of a table; those that would say nothing are left out."""
    rows = comparison.rows
    several = len(rows) > 1
    made = [
        Column("predictor", lambda row: row.title),
        Column("data", _data),
        Column(comparison.metric, lambda row: interval(row.score)),
        Column("accuracy", lambda row: interval(row.accuracy), comparison.metric != "accuracy"),
        Column("difference", _difference, several),
        Column(_p_title(comparison), lambda row: p(row.adjusted), several),
        Column("right : wrong", _flips, several),
        Column("unparsed", lambda row: str(row.count("unparsed")), any(row.count("unparsed") for row in rows)),
        Column("ece", lambda row: number(row.reliability), any(map(_calibrated, rows))),
        Column(
            "accuracy, leniently", lambda row: interval(row.lenient or row.accuracy), any(row.lenient for row in rows)
        ),
        Column("failed", lambda row: str(row.count("failed")), any(row.count("failed") for row in rows)),
        Column("skipped", lambda row: str(row.count("skipped")), any(row.count("skipped") for row in rows)),
        Column("tokens", _tokens, any(row.used("computed_tokens") for row in rows)),
        Column("s", lambda row: f"{row.used('seconds'):.1f}"),
        Column("cost", _cost, any(row.cost is not None for row in rows)),
    ]
    return [column for column in made if column.needed]


def _p_title(comparison: Comparison) -> str:
    return "p" if comparison.correction == "none" else f"p ({CORRECTIONS[comparison.correction]})"


def _data(row: Row) -> str:
    """What it was given: demonstrations, or training examples."""
    spec = row.run.spec
    if row.prompted:
        return f"{spec['shots']} shots"
    return f"{spec['n_train']:,} train"


def _difference(row: Row) -> str:
    return "reference" if row.difference is None else interval(row.difference, sign=True)


def _flips(row: Row) -> str:
    """Items that only this row has right, and that only the reference has."""
    return "" if row.discordance is None else f"{row.discordance.only_a} : {row.discordance.only_b}"


def _tokens(row: Row) -> str:
    computed = row.used("computed_tokens") + row.used("generated_tokens")
    return f"{computed:,.0f}" if computed else DASH


def _cost(row: Row) -> str:
    return DASH if row.cost is None else f"{row.cost:.4f}"


def header(comparison: Comparison) -> list[str]:
    """The columns' titles."""
    return [column.title for column in columns(comparison)]


def cells(comparison: Comparison, row: Row) -> list[str]:
    """One row, in the order of ``header``."""
    return [column.cell(row) for column in columns(comparison)]


def footer(comparison: Comparison) -> list[str]:
    """What the numbers mean and how far they go."""
    what = f"{comparison.task}: {comparison.n:,} items, the same for every row. Brackets: 95 % intervals"
    what += ", whole clusters drawn." if comparison.clustered else "."
    several = any(len(row.runs) > 1 for row in comparison.rows)
    if several:
        what += " Rows over several seeds show the mean; their intervals hold the seeds' variance too."
    lines = [what]
    if len(comparison.rows) > 1:
        lines[0] += (
            f" Difference: {comparison.metric} minus that of {comparison.reference}, paired item by item. "
            f"p: {_test(comparison, several)}, {_correction(comparison)}. "
            "Right : wrong: items that only this row, and that only the reference, has right."
        )
    if not math.isnan(comparison.detectable):
        lines.append(
            f"A difference of accuracy below {comparison.detectable:.3f} would be missed more than one time in five "
            "with these items: not significant does not mean equal."
        )
    lines += [*_missing(comparison), *_overlap(comparison), *_reliability(comparison)]
    if any(row.lenient for row in comparison.rows):
        lines.append("Leniently: an unparsed text that mentions just one label counts as that label.")
    for row in comparison.rows:
        if failed := row.count("failed"):
            lines.append(
                f"{row.label}: {failed:,} items got no answer and count as wrong: {_reason(row)} "
                "The same command asks for them again."
            )
    dropped = sum(row.count("dropped_demos") for row in comparison.rows)
    if dropped:
        lines.append(f"{dropped} prompts lost demonstrations to fit the model's length.")
    for row in comparison.rows:
        if cut := row.count("cut_answers"):
            lines.append(f"{row.label}: {cut:,} answers named no label within max_tokens, where they were cut short.")
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


def _reliability(comparison: Comparison) -> list[str]:
    """What ``ece`` says of calibrated rows, and how to see it of those that are not."""
    if not any(map(_calibrated, comparison.rows)):
        return []
    said = "Ece: how far stated probabilities are from the share that comes true (expected calibration error)."
    before = any(row.prompted and not _calibrated(row) for row in comparison.rows)
    return [said if before else f"{said} To see it before calibration, too: --calibrate none,…"]


def _calibrated(row: Row) -> bool:
    return bool(row.run.spec.get("calibration"))


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
    if comparison.clustered:
        return "from the interval of the difference"
    test = "exact McNemar test" if comparison.metric == "accuracy" else "approximate randomization test"
    return f"{test} (over several seeds, from the interval)" if several else test


def _correction(comparison: Comparison) -> str:
    if comparison.correction == "none":
        return "not adjusted for the number of rows"
    return f"adjusted for the number of rows ({CORRECTIONS[comparison.correction]})"


def signatures(comparison: Comparison) -> list[str]:
    """One line a run, from which it can be repeated."""
    return [f"{row.label}: {_signature(run)}" for row in comparison.rows for run in row.runs]


def _signature(run: Run) -> Signature:
    """With the size and the seed of its sample of the train split: the signature proper holds only what was drawn."""
    signed = {key for key, _ in run.signature.pairs}
    drawn = {} if run.spec["train_size"] is None else {key: run.spec[key] for key in ("train_size", "seed")}
    return run.signature + Signature.of(**{key: value for key, value in drawn.items() if key not in signed})
