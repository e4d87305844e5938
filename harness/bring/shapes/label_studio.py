"""Label Studio's export: an array of tasks, each with its annotations, or the smaller one with a field a label."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from harness.bring.rows import Row, Table
from harness.bring.shapes.file import File
from harness.bring.shapes.spans import Mention, Passage, mention, passage_text, table
from harness.errors import InputError
from harness.kinds import values
from harness.task import jsons

LISTS = ("annotations", "completions")
SPANS = ("labels", "hypertextlabels", "paragraphlabels")


def found(file: File) -> bool:
    """Whether objects have ``data`` with ``annotations``, or a list of spans with ``labels``."""
    return any(_is_task(value) or _small(value) for value in file.values)


def read(file: File) -> Table:
    """A row a task, marked as its first annotation that was not cancelled says: spans, or, where there are none,
    choices. Raises InputError for annotations of another sort."""
    tasks, passages, chosen = 0, list[Passage](), list[Row]()
    without = several = 0
    for number, (where, value) in enumerate(jsons.each(file.source), 1):
        tasks = number
        if not isinstance(value, Mapping):
            raise InputError(f"{where}: must be one task, an object with data and annotations.")
        if (key := _small(value)) or not _is_task(value):
            passages.append(_from_small(number, where, value, key))
            continue
        results = [each for name in LISTS for each in value.get(name) or () if _counts(each)]
        if not results:
            without += 1
            continue
        several += len(results) > 1
        text = _text(value["data"], where)
        spans, choices = _marks(results[0].get("result") or (), where)
        passages.append(Passage(number, where, text, spans))
        chosen.append(Row(number, where, {"text": text, "label": choices}))
    said = [f"left out {without} of {tasks} tasks, which nobody has annotated"] if without else []
    said += [f"{several} tasks have several annotations: the first of each was taken"] if several else []
    name = f"Label Studio, {file.source.encoding}"
    if not any(each.mentions for each in passages) and any(row.fields["label"] for row in chosen):
        return Table(file.path, name, chosen, inputs=("text",), target="label", said=tuple(said))
    return table(file.path, name, passages, said)


def _is_task(value: Any) -> bool:
    return isinstance(value, Mapping) and isinstance(value.get("data"), Mapping) and any(key in value for key in LISTS)


def _small(value: Any) -> str | None:
    """The field of the smaller export that holds spans."""
    if not isinstance(value, Mapping):
        return None
    for name, held in value.items():
        if isinstance(held, list) and held and all(isinstance(each, Mapping) and "labels" in each for each in held):
            return str(name)
    return None


def _counts(annotation: Any) -> bool:
    return isinstance(annotation, Mapping) and str(annotation.get("was_cancelled", False)) != "True"


def _text(data: Mapping[str, Any], where: str) -> str:
    """The field called text, else the longest text that there is."""
    texts = [each for each in data.values() if isinstance(each, str)]
    return passage_text(data.get("text", max(texts, key=len, default=None)), where)


def _from_small(number: int, where: str, value: Mapping[str, Any], key: str | None) -> Passage:
    held = value.get(key) if key else ()
    assert isinstance(held, list | tuple)
    spans = [span for each in held for span in _spans(each, where)]
    return Passage(number, where, _text({k: v for k, v in value.items() if k != "annotator"}, where), spans)


def _marks(results: Any, where: str) -> tuple[list[Mention], list[str]]:
    """The spans and the choices of one annotation."""
    spans, choices = list[Mention](), list[str]()
    for each in results:
        sort = each.get("type") if isinstance(each, Mapping) else None
        value = each.get("value") if isinstance(each, Mapping) else None
        if sort == "relation":
            continue
        if sort == "choices" and isinstance(value, Mapping) and isinstance(value.get("choices"), list):
            choices += [values.text(choice, where, "choices") for choice in value["choices"]]
        elif sort in SPANS and isinstance(value, Mapping):
            spans += _spans(value, where)
        else:
            raise InputError(f"{where}: an annotation of type {sort!r}; read are labels of spans, and choices.")
    return spans, choices


def _spans(value: Mapping[str, Any], where: str) -> Iterator[Mention]:
    """A span for each of its labels; in a page of HTML its offsets in the whole text count."""
    place = value.get("globalOffsets", value)
    labels: list[Any] = next((value[name] for name in SPANS if isinstance(value.get(name), list)), [])
    if not isinstance(place, Mapping) or not labels:
        raise InputError(f"{where}: a span without start, end or labels.")
    for label in labels:
        yield mention(place.get("start"), place.get("end"), label, where, value.get("text"))
