"""Items and predictions as Arrow columns: a million of them fit in memory, and are the rows of predictions.parquet."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import copy
from itertools import islice
from typing import Any, TypeVar, overload

from harness.kinds import Kind
from harness.types import Example, Prediction, Spent, Status, Trace

LATER = ("thought", "score", "prompt_tokens", "written_tokens", "seconds")  # columns that older runs have not
OPTIONAL = ("output", "mentioned", "label_logprobs", "choice_logprobs", "cluster", "seconds")  # where nothing may be
CHUNK = 4096  # rows turned into columns, and back, at once
T = TypeVar("T")


def row(kind: Kind, example: Example, prediction: Prediction) -> dict[str, Any]:
    """One row of predictions.parquet."""
    trace = prediction.trace or Trace()
    return {
        "id": prediction.example_id,
        "target": example.target,
        "output": prediction.output,
        "status": prediction.status.value,
        "mentioned": prediction.mentioned,
        "correct": (score := kind.right(example, prediction.output)) == 1,
        "score": score,
        "label_logprobs": prediction.label_logprobs,
        "demos": trace.demos,
        "excluded": trace.excluded,
        "dropped_demos": trace.dropped_demos,
        "raw": trace.raw,
        "thought": trace.thought,
        "choice_logprobs": trace.choice_logprobs,
        "prompt_tokens": trace.spent.prompt,
        "written_tokens": trace.spent.written,
        "seconds": trace.spent.seconds,
        "cluster": example.cluster,
        "tags": json.dumps(dict(example.tags), ensure_ascii=False),
    }


def schema(compact: bool = False) -> Any:
    """The rows' Arrow schema; ``compact`` writes what recurs once a chunk, which files for people to read do not."""
    import pyarrow as pa

    text = pa.string()
    name = pa.dictionary(pa.int32(), text) if compact else text
    numbers = pa.list_(pa.float64())
    return pa.schema(
        [
            ("id", text),
            ("target", name),
            ("output", name),
            ("status", name),
            ("mentioned", name),
            ("correct", pa.bool_()),
            ("score", pa.float64()),
            ("label_logprobs", numbers),
            ("demos", pa.list_(name)),
            ("excluded", pa.list_(text)),
            ("dropped_demos", pa.int64()),
            ("raw", text),
            ("thought", text),
            ("choice_logprobs", pa.list_(numbers)),
            ("prompt_tokens", pa.int64()),
            ("written_tokens", pa.int64()),
            ("seconds", pa.float64()),
            ("cluster", text),
            ("tags", name),
        ]
    )


def flaw(rows: Any) -> str:
    """What is wrong with the rows of a file that has the columns of a run; empty where nothing is."""
    import pyarrow as pa

    known = schema()
    for name in (name for name in known.names if name in rows.column_names):
        column, optional = rows[name], name in (*OPTIONAL, *LATER)
        if not optional and column.null_count:
            return f"column {name!r} has rows without a value"
        try:
            column.cast(known.field(name).type)
        except pa.ArrowException:
            return f"column {name!r} holds {column.type}, not {known.field(name).type}"
    if strange := set(rows["status"].unique().to_pylist()) - {status.value for status in Status}:
        return f"the status {min(strange)!r} is none"
    if not all(map(_tags, rows["tags"].unique().to_pylist())):
        return "column 'tags' holds what is no tags"
    return ""


def _tags(text: str) -> bool:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(found, dict) and all(isinstance(value, str) for value in found.values())


class Ledger:
    """Rows in the making, added in the order of the items."""

    def __init__(self, kind: Kind) -> None:
        self._kind = kind
        self._rows: list[dict[str, Any]] = []
        self._parts: list[Any] = []

    def add(self, example: Example, prediction: Prediction) -> None:
        self._rows.append(row(self._kind, example, prediction))
        if len(self._rows) == CHUNK:
            self._flush()

    def _flush(self) -> None:
        import pyarrow as pa

        self._parts.append(pa.Table.from_pylist(self._rows, schema=schema(compact=True)))
        self._rows = []

    def close(self) -> tuple[Items, Predictions]:
        import pyarrow as pa

        self._flush()
        table = pa.concat_tables(self._parts)
        return Items(table), Predictions(table)


class _Column(Sequence[T]):
    """A sequence over the rows of an Arrow table, each made when it is asked for."""

    def __init__(self, table: Any) -> None:
        self._table = table

    def _read(self, row: Mapping[str, Any]) -> T:
        raise NotImplementedError

    def __len__(self) -> int:
        return int(self._table.num_rows)

    @overload
    def __getitem__(self, place: int) -> T: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[T]: ...
    def __getitem__(self, place: int | slice) -> T | Sequence[T]:
        if isinstance(place, slice):
            start, stop, step = place.indices(len(self))
            if step != 1:
                return [self[i] for i in range(start, stop, step)]
            part = copy(self)  # a view: nothing is read
            part._table = self._table.slice(start, max(0, stop - start))
            return part
        if not -len(self) <= place < len(self):
            raise IndexError(place)
        return self._read(self._table.slice(place % len(self), 1).to_pylist()[0])

    def __iter__(self) -> Iterator[T]:
        for batch in self._table.to_batches(max_chunksize=CHUNK):
            yield from map(self._read, batch.to_pylist())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and len(self) == len(other) and same(self, other)

    __hash__ = None  # type: ignore[assignment]


class Examples(_Column[Example]):
    """Labelled items with their inputs, as a task's file has them; ``inputs`` and ``tags`` name what each has."""

    def __init__(self, rows: Iterable[Example], inputs: Sequence[str], tags: Sequence[str]) -> None:
        import pyarrow as pa

        text = pa.string()
        fields = [("id", text), ("inputs", pa.list_(text)), ("target", pa.dictionary(pa.int32(), text))]
        tagged = ("tags", pa.list_(pa.dictionary(pa.int32(), text)))
        made = pa.schema([*fields, ("cluster", text), tagged, ("options", pa.list_(text))])
        parts, given = [], iter(rows)
        while chunk := list(islice(given, CHUNK)):
            flat = [
                {
                    "id": e.id,
                    "inputs": [e.inputs[name] for name in inputs],
                    "target": e.target,
                    "cluster": e.cluster,
                    "tags": [e.tags[name] for name in tags],
                    "options": e.options,
                }
                for e in chunk
            ]
            parts.append(pa.Table.from_pylist(flat, schema=made))
        super().__init__(pa.concat_tables(parts) if parts else made.empty_table())
        self._inputs, self._tags = tuple(inputs), tuple(tags)

    @property
    def ids(self) -> Sequence[str]:
        """The ids alone."""
        found: list[str] = self._table["id"].to_pylist()
        return found

    def take(self, places: Sequence[int]) -> Examples:
        """Those at ``places``, as columns again."""
        part = copy(self)
        part._table = self._table.take(places)
        return part

    def _read(self, row: Mapping[str, Any]) -> Example:
        inputs = dict(zip(self._inputs, row["inputs"], strict=True))
        tags = dict(zip(self._tags, row["tags"], strict=True))
        return Example(row["id"], inputs, row["target"], row["cluster"], tags, tuple(row["options"]))


class Items(_Column[Example]):
    """The items of a run, without their inputs."""

    def __init__(self, table: Any) -> None:
        super().__init__(table.select(["id", "target", "cluster", "tags"]))

    def _read(self, row: Mapping[str, Any]) -> Example:
        return Example(row["id"], {}, row["target"], row["cluster"], json.loads(row["tags"]))


class Predictions(_Column[Prediction]):
    """The predictions of a run. What they cost was counted as they came, and is not kept."""

    def __init__(self, table: Any) -> None:
        super().__init__(table.drop_columns(["target", "correct", "cluster", "tags"]))

    def _read(self, row: Mapping[str, Any]) -> Prediction:
        stated, choices = row["label_logprobs"], row["choice_logprobs"]
        trace = Trace(
            tuple(row["demos"]),
            tuple(row["excluded"]),
            row["dropped_demos"],
            raw=row["raw"],
            thought=row.get("thought") or "",
            choice_logprobs=None if choices is None else tuple(map(tuple, choices)),
            spent=Spent(row.get("prompt_tokens") or 0, row.get("written_tokens") or 0, row.get("seconds")),
        )
        stated = None if stated is None else tuple(stated)
        return Prediction(row["id"], row["output"], Status(row["status"]), stated, trace, row["mentioned"])


def same(one: Iterable[object], two: Iterable[object]) -> bool:
    """Whether two sequences of one length hold the same, without holding either."""
    return all(a == b for a, b in zip(one, two, strict=True))
