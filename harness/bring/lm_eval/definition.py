"""A task of lm-evaluation-harness as its YAML defines it, with all refused that needs Python or has no counterpart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.bring.lm_eval.document import Function, functions
from harness.bring.lm_eval.measure import CHOSEN, WRITTEN, Measure, measured
from harness.bring.lm_eval.refusal import Refusal
from harness.errors import unknown

OUTPUTS = (CHOSEN, WRITTEN, "loglikelihood", "loglikelihood_rolling")
FREEZE = "With lm_eval installed, --freeze takes what it makes of it."
READ = (
    *("task", "dataset_path", "dataset_name", "dataset_kwargs", "training_split", "validation_split", "test_split"),
    *("fewshot_split", "doc_to_text", "doc_to_target", "doc_to_choice", "description", "target_delimiter"),
    *("fewshot_delimiter", "fewshot_config", "num_fewshot", "metric_list", "output_type", "generation_kwargs"),
    *("repeats", "filter_list", "gen_prefix"),
)
LEFT = (
    *("task_alias", "tag", "group", "group_alias", "metadata", "should_decontaminate", "recipe"),
    *("doc_to_decontamination_query", "unsafe_code"),
)
# What only Python or more than text can answer, and what each is refused for.
REFUSED = {
    "process_docs": "python",
    "process_results": "python",
    "custom_dataset": "python",
    "use_prompt": "fields",
    "doc_to_image": "media",
    "doc_to_audio": "media",
}
FILES = ("json", "csv", "text", "parquet", "arrow", "pandas", "xml", "imagefolder", "audiofolder", "webdataset")
SHOTS = ("sampler", "split", "samples", "fewshot_delimiter", "target_delimiter", "gen_prefix")


@dataclass(frozen=True, slots=True)
class Splits:
    """Which splits there are: the items asked about, those to show (a split, or ``samples`` in the YAML itself), those
    to try things on."""

    test: str
    train: str | None
    dev: str | None
    samples: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Definition:
    """What a task's YAML says. ``choices`` is a fixed list of texts, the Jinja of each item's own, or None; ``target``
    a number or Jinja; ``shown`` are target delimiter, delimiter and prefix of demonstrations."""

    name: str
    path: Path
    output: str
    data: tuple[str, str | None, str | None]
    splits: Splits
    text: str
    target: int | str
    choices: Sequence[str] | str | None
    description: str
    target_delimiter: str
    prefix: str
    shown: tuple[str, str, str]
    shots: int
    selector: str
    measure: Measure
    stops: Sequence[str]
    max_tokens: int
    told: Sequence[str]

    @property
    def where(self) -> str:
        return f"task {self.name!r} ({self.path})"


def define(document: Mapping[str, Any], path: Path, pipeline: str | None = None, local: bool = False) -> Definition:
    """The definition in ``document``. With ``local`` the data are files of the user's, whatever it names itself.

    Raises Refusal that says what is in the way."""
    name = document.get("task")
    where = f"task {name!r} ({path})" if isinstance(name, str) else str(path)
    output = _possible(document, where)
    read = _Fields(document, where)
    told, stops, most = _generation(document, output, read)
    shown = document.get("fewshot_config") or {}
    between, target_delimiter = read.text("fewshot_delimiter", "\n\n"), read.text("target_delimiter", " ")
    prefix = read.text("gen_prefix", "")
    own = _Fields(shown, where)
    splits, selector, shots = _splits(document, shown, read)
    description = read.text("description", "")
    for plain in (description, prefix, own.text("gen_prefix", prefix)):
        if "{{" in plain or "{%" in plain:
            raise Refusal(where, "fields", "Jinja in `description` or `gen_prefix` is not read.")
    measure = measured(document, output, pipeline, where)
    return Definition(
        str(name),
        path,
        output,
        _data(document, where, local),
        splits,
        read.asked("doc_to_text"),
        _target(document, output, where),
        _choices(document, output, where),
        description,
        target_delimiter,
        prefix,
        _shown(own, target_delimiter, between, prefix),
        shots,
        selector,
        measure,
        stops if stops is not None else [between],
        most,
        [*told, *measure.told],
    )


def _shown(own: _Fields, delimiter: str, between: str, prefix: str) -> tuple[str, str, str]:
    """Target delimiter, delimiter and prefix of demonstrations, where they have their own."""
    return (
        own.text("target_delimiter", delimiter),
        own.text("fewshot_delimiter", between),
        own.text("gen_prefix", prefix),
    )


def _possible(document: Mapping[str, Any], where: str) -> str:
    """The output type, where nothing forbids to take the task over."""
    if "class" in document:
        raise Refusal(where, "class", f"it is a class of Python. {FREEZE}")
    if not isinstance(document.get("task"), str):
        raise Refusal(where, "fields", "it names no task.")
    for field, value in document.items():
        if field not in LEFT and (found := functions(value)):
            raise Refusal(where, "python", f"`{field}` calls the Python function {found.name}. {FREEZE}")
    for field, reason in REFUSED.items():
        if document.get(field) is not None:
            raise Refusal(where, reason, f"`{field}` is not read: {_said(field)}. {FREEZE}")
    if strange := next((field for field in document if field not in (*READ, *LEFT, *REFUSED)), None):
        raise Refusal(where, "fields", str(unknown("field", strange, READ)))
    if document.get("unsafe_code"):
        raise Refusal(where, "python", "it runs code that a model writes, which is never done here.")
    output = document.get("output_type", WRITTEN)
    if output not in OUTPUTS:
        raise Refusal(where, "kind", f"`output_type`: {unknown('value', output, OUTPUTS)}")
    if output not in (CHOSEN, WRITTEN):
        raise Refusal(where, "kind", f"output type {output} asks how likely a text is, which is no answer to compare.")
    return str(output)


def _said(field: str) -> str:
    return {"use_prompt": "import the promptsource template itself"}.get(field, "it needs Python, or more than text")


class _Fields:
    """Fields that are texts."""

    def __init__(self, document: Mapping[str, Any], where: str) -> None:
        self.document, self.where = document, where

    def text(self, field: str, default: str) -> str:
        value = self.document.get(field)
        if value is None:
            return default
        if not isinstance(value, str):
            raise Refusal(self.where, "fields", f"`{field}` is {value!r}, which is no text.")
        return value

    def asked(self, field: str) -> str:
        value = self.document.get(field)
        if isinstance(value, int) and not isinstance(value, bool):
            raise Refusal(self.where, "fields", f"`{field}` is a number: it asks of several inputs which is likeliest.")
        if value is None:
            raise Refusal(self.where, "fields", f"it has no `{field}`.")
        return self.text(field, "")

    def whole(self, field: str, value: Any, default: int) -> int:
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise Refusal(self.where, "fields", f"`{field}` is {value!r}, which is no whole number.")
        return value


def _data(document: Mapping[str, Any], where: str, local: bool) -> tuple[str, str | None, str | None]:
    """Path, name and revision of the data set."""
    path, name = document.get("dataset_path"), document.get("dataset_name")
    if local:
        return str(path), None, None
    if not isinstance(path, str) or path in FILES or path.startswith((".", "/")) or path.endswith(".py"):
        raise Refusal(where, "data", f"its data set is {path!r}, which is none on a hub. Give its files by --data.")
    said = document.get("dataset_kwargs") or {}
    if not isinstance(said, dict):
        raise Refusal(where, "fields", "`dataset_kwargs` is no mapping.")
    if said.get("trust_remote_code"):
        raise Refusal(where, "data", f"reading {path!r} runs code of that data set's. Give its files by --data.")
    if more := sorted(set(said) - {"revision", "trust_remote_code"}):
        raise Refusal(where, "data", f"`dataset_kwargs` says {more[0]!r}, which is not read. Give its files by --data.")
    return path, None if name is None else str(name), None if "revision" not in said else str(said["revision"])


def _splits(document: Mapping[str, Any], shown: Any, read: _Fields) -> tuple[Splits, str, int]:
    """The splits, the selector that draws demonstrations as lm_eval does, and how many it shows."""
    where = read.where
    if not isinstance(shown, dict):
        raise Refusal(where, "fields", "`fewshot_config` is no mapping.")
    if strange := next((key for key in shown if key not in SHOTS), None):
        raise Refusal(where, "fields", f"`fewshot_config` says {strange!r}, which is not read.")
    samples, sampler = shown.get("samples") or (), shown.get("sampler", "default")
    if sampler not in ("default", "first_n"):
        raise Refusal(where, "fields", f"the sampler {sampler!r} is not known. Known: default, first_n.")
    names = {field: document.get(f"{field}_split") for field in ("training", "validation", "test", "fewshot")}
    if odd := next((field for field, name in names.items() if name is not None and not isinstance(name, str)), None):
        raise Refusal(where, "fields", f"`{odd}_split` is {names[odd]!r}, which is no name.")
    named = shown.get("split") or names["fewshot"]
    test = names["test"] or names["validation"]
    shots = read.whole("num_fewshot", document.get("num_fewshot"), 0)
    if test is None:
        raise Refusal(where, "splits", "it names neither a test nor a validation split.")
    if named is None and samples:
        if not isinstance(samples, list) or not all(isinstance(each, dict) for each in samples):
            raise Refusal(where, "fields", "the samples of `fewshot_config` are no list of items.")
        pool = None
    else:
        pool, samples = named or names["training"] or names["validation"] or test, ()
        if pool == test:
            if shots:
                raise Refusal(where, "splits", f"its demonstrations come from {test!r}, the split that it judges by.")
            pool = None
    dev = names["validation"] if names["validation"] not in (test, pool) else None
    drawn = "lm-eval-spare" if named == names["test"] and not samples else "lm-eval"
    return Splits(test, pool, dev, samples), "first" if sampler == "first_n" else drawn, shots


def _generation(document: Mapping[str, Any], output: str, read: _Fields) -> tuple[list[str], Sequence[str] | None, int]:
    """What is to be told, what ends an answer (None where nothing is said), and how long it may get."""
    if read.whole("repeats", document.get("repeats"), 1) > 1:
        raise Refusal(read.where, "filter", "it asks every item several times (`repeats`).")
    said = document.get("generation_kwargs") or {}
    if not isinstance(said, dict):
        raise Refusal(read.where, "fields", "`generation_kwargs` is no mapping.")
    until = said.get("until")
    listed = [until] if isinstance(until, str) else until
    if listed is not None and not (isinstance(listed, list) and all(isinstance(each, str) for each in listed)):
        raise Refusal(read.where, "fields", f"`until` is {until!r}, which is no list of texts.")
    told = []
    if output == WRITTEN and said.get("do_sample") and said.get("temperature") != 0:
        told.append("it samples its answers; here they are greedy")
    most = said.get("max_gen_toks", said.get("max_new_tokens", said.get("max_tokens")))
    stops = None if listed is None else [each for each in listed if each]
    return told, stops, max(1, read.whole("max_gen_toks", most, 256))


def _target(document: Mapping[str, Any], output: str, where: str) -> int | str:
    value = document.get("doc_to_target")
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise Refusal(where, "fields", f"`doc_to_target` is {_kind(value)}, which is neither a number nor a text.")
    if output == CHOSEN and isinstance(value, int) and value < 0:
        raise Refusal(where, "fields", f"`doc_to_target` is {value}, which is the place of no choice.")
    return value


def _choices(document: Mapping[str, Any], output: str, where: str) -> Sequence[str] | str | None:
    value = document.get("doc_to_choice")
    if isinstance(value, dict):
        value = list(value.values())
    if value is None and output == CHOSEN:
        raise Refusal(where, "fields", "it has no `doc_to_choice`.")
    if isinstance(value, list):
        if not all(isinstance(each, str) for each in value):
            raise Refusal(where, "fields", "`doc_to_choice` lists what is no text; put it in quotes.")
        return value
    if value is not None and not isinstance(value, str):
        raise Refusal(where, "fields", f"`doc_to_choice` is {_kind(value)}, which is no list of texts.")
    return value


def _kind(value: Any) -> str:
    return "nothing" if value is None else value.name if isinstance(value, Function) else f"{type(value).__name__}"
