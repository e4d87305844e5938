"""How answers are read and scored: metrics and filters of lm-evaluation-harness as those of a kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.bring.lm_eval.refusal import Refusal
from harness.errors import unknown
from harness.kinds import patterns

CHOSEN, WRITTEN = "multiple_choice", "generate_until"
# For each metric of scored choices: ours, and by what a choice's log-probability is divided.
SCORED = {
    "acc": ("accuracy", "sum"),
    "acc_norm": ("accuracy", "characters"),
    "acc_bytes": ("accuracy", "bytes"),
    "mcc": ("mcc", "sum"),
    "f1": ("class-f1", "sum"),
}
TEXTS = ("bleu", "chrf", "ter")
DEFAULTS = {CHOSEN: ("acc", "acc_norm"), WRITTEN: ("exact_match",)}
LOOSENED = ("ignore_case", "ignore_punctuation", "ignore_numbers")
SAID = ("metric", "aggregation", "higher_is_better", "weight_by_size")
PATTERN = r"#### (\-?[0-9\.\,]+)"  # of a regex that names none
STEPS = {"remove_whitespace": "strip", "lowercase": "lower", "uppercase": "upper"}


@dataclass(frozen=True, slots=True)
class Measure:
    """``metrics`` are ours, the main one first; ``normalize`` is how choices are compared for it; ``fields`` are those
    of the kind ``exact``; ``told`` is what is left to say."""

    metrics: Sequence[str]
    normalize: str = "sum"
    exact: bool = False
    fields: Mapping[str, Any] = field(default_factory=dict)
    told: Sequence[str] = ()


def measured(document: Mapping[str, Any], output: str, pipeline: str | None, where: str) -> Measure:
    """What the task is scored by; ``pipeline`` names the one of its filters that answers are read by, else the first.

    Raises Refusal for metrics and filters that have no counterpart."""
    listed = document.get("metric_list")
    entries = [{"metric": name} for name in DEFAULTS[output]] if listed is None else listed
    if not isinstance(entries, list) or not all(isinstance(each, dict) for each in entries) or not entries:
        raise Refusal(where, "metric", "`metric_list` is no list of metrics.")
    names = [str(each.get("metric")) for each in entries]
    return _scored(entries, names, where) if output == CHOSEN else _written(document, entries, names, pipeline, where)


def _scored(entries: Sequence[Mapping[str, Any]], names: Sequence[str], where: str) -> Measure:
    for entry, name in zip(entries, names, strict=True):
        _known(name, SCORED, where)
        if more := sorted(set(entry) - set(SAID)):
            raise Refusal(where, "metric", f"the metric {name} with `{more[0]}` has no counterpart.")
    by = [SCORED[name] for name in names]
    told = [
        f"{name} divides by {how}: that is --normalize {how}"
        for name, (_, how) in zip(names, by, strict=True)
        if how not in ("sum", by[0][1])
    ]
    metrics = list(dict.fromkeys(metric for metric, _ in by))
    metrics.sort(key=lambda metric: metric == "class-f1")  # several numbers: no main metric
    return Measure(metrics if metrics[0] != "class-f1" else ["accuracy", *metrics], by[0][1], told=told)


def _written(
    document: Mapping[str, Any],
    entries: Sequence[Mapping[str, Any]],
    names: Sequence[str],
    pipeline: str | None,
    where: str,
) -> Measure:
    for name in names:
        _known(name, ("exact_match", *TEXTS), where)
    steps, told = _steps(document.get("filter_list"), pipeline, where)
    if set(names) <= set(TEXTS):
        if steps:
            raise Refusal(where, "filter", "texts are scored as they are written here, and it filters them first.")
        return Measure(list(names), told=told)
    if len(names) > 1:
        told = [*told, f"scored by exact_match alone, not by {', '.join(name for name in names if name in TEXTS)}"]
    entry = next(each for each in entries if each["metric"] == "exact_match")
    fields: dict[str, Any] = {name: True for name in LOOSENED if entry.get(name)}
    if more := sorted(set(entry) - {*SAID, *LOOSENED, "regexes_to_ignore"}):
        raise Refusal(where, "metric", f"exact_match with `{more[0]}` has no counterpart.")
    if ignored := entry.get("regexes_to_ignore"):
        fields["ignore"] = [_pattern(each, where) for each in (ignored if isinstance(ignored, list) else [ignored])]
    if steps:
        fields["read_by"] = steps
    return Measure(["accuracy", "parse-failure-rate"], exact=True, fields=fields, told=told)


def _known(name: str, known: Any, where: str) -> None:
    if name not in known:
        raise Refusal(where, "metric", str(unknown("metric", name, known)))


def _steps(listed: Any, wanted: str | None, where: str) -> tuple[list[dict[str, Any]], list[str]]:
    """The steps of one of several pipelines, and what is said of the others."""
    if listed is None:
        return [], []
    if not isinstance(listed, list) or not all(isinstance(each, dict) for each in listed) or not listed:
        raise Refusal(where, "filter", "`filter_list` is no list of filters.")
    names = [str(each.get("name")) for each in listed]
    if wanted is not None and wanted not in names:
        raise Refusal(where, "filter", str(unknown("filter", wanted, names)))
    name = wanted or names[0]
    told = [f"answers are read by its filter {name!r}; --filter takes another: {', '.join(names)}"]
    functions = listed[names.index(name)].get("filter") or []
    if not isinstance(functions, list) or not all(isinstance(each, dict) for each in functions):
        raise Refusal(where, "filter", f"the filter {name!r} is no list of functions.")
    steps = [step for each in functions if (step := _step(each, where))]
    return steps, told if len(names) > 1 else []


def _step(said: Mapping[str, Any], where: str) -> dict[str, Any] | None:
    name = said.get("function")
    if name == "take_first":
        return None
    if name in STEPS:
        return {"do": STEPS[name]}
    if name != "regex":
        raise Refusal(where, "filter", f"the filter {name} has no counterpart.")
    found: dict[str, Any] = {
        "do": "find",
        "pattern": _pattern(said.get("regex_pattern", PATTERN), where),
    }
    match = said.get("group_select") or 0
    if not isinstance(match, int):
        raise Refusal(where, "filter", f"`group_select` is {match!r}, which is no whole number.")
    if match:
        found["match"] = int(match)
    fallback = said.get("fallback", "[invalid]")
    return found if fallback == "[invalid]" else {**found, "otherwise": str(fallback)}


def _pattern(text: Any, where: str) -> str:
    try:
        patterns.compiled(str(text))
    except ValueError as error:
        raise Refusal(where, "filter", f"{error}.") from None
    return str(text)
