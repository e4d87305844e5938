"""Parquet files, row by row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from harness.errors import InputError
from harness.task.delimited import named
from harness.task.source import Read, Row, Source

BATCH = 4096  # rows made of columns at once
VALUE = 8  # bytes of one in memory, at least
PART = 1 << 25  # bytes of texts made of columns at once, where one row has no more


def read(source: Source, wanted: Sequence[str]) -> Read:
    """The rows of ``source``; an index that pandas wrote is one column more."""
    return Read("Parquet", _rows(source))


def _rows(source: Source) -> Iterator[Row]:
    import pyarrow
    import pyarrow.parquet

    number = taken = 0
    try:
        with source.readable(), pyarrow.parquet.ParquetFile(source.path) as file:
            schema, texts = file.schema_arrow, _texts(file.schema_arrow)
            named(list(schema.names), str(source.path))
            source.check_room(_claimed(file.metadata, schema))
        short = [field.name for field in schema if field.type in (pyarrow.float16(), pyarrow.float32())]
        with source.readable(), pyarrow.parquet.ParquetFile(source.path, read_dictionary=texts) as file:
            for part in _parts(file, texts):
                rows = part.to_pylist()
                taken += sum(len(row[name] or "") for name in texts for row in rows)
                source.check_room(taken)
                for row in rows:
                    number += 1
                    yield f"{source.path}, row {number}", row | {name: _shortest(row[name]) for name in short}
    except (pyarrow.ArrowException, ValueError, TypeError, LookupError, OverflowError, MemoryError) as error:
        reason = str(error).partition("\n")[0].rstrip(".") or "it takes more memory than there is"
        raise InputError(f"{source.path}: cannot be read as Parquet after row {number}: {reason}.") from None


def _texts(schema: Any) -> list[str]:
    """The columns of texts: each is read as what its distinct texts are, since one may stand for every row's."""
    from pyarrow import types

    tests = (types.is_string, types.is_large_string, types.is_binary, types.is_large_binary)
    kinds = {field.name: field.type for field in schema}
    kinds = {name: kind.value_type if types.is_dictionary(kind) else kind for name, kind in kinds.items()}
    return [name for name, kind in kinds.items() if any(test(kind) for test in tests)]


def _claimed(metadata: Any, schema: Any) -> int:
    """Bytes that the file says it holds; a column of one value takes none, whatever its length. Where a row may hold
    many values of a column, the column is asked how many: no other is, for what is damaged there ends the process."""
    from pyarrow import types

    groups = [metadata.row_group(i) for i in range(metadata.num_row_groups)]
    if not any(types.is_nested(field.type) for field in schema):
        return sum(max(group.total_byte_size, VALUE * group.num_rows * group.num_columns) for group in groups)
    columns = (group.column(i) for group in groups for i in range(group.num_columns))
    return sum(max(column.total_uncompressed_size, VALUE * column.num_values) for column in columns)


def _parts(file: Any, texts: Sequence[str]) -> Iterator[Any]:
    """The rows, so many at once that their texts take little memory, however often one text recurs."""
    for batch in file.iter_batches(BATCH):
        longest = sum(batch[name].dictionary.nbytes for name in texts)
        step = max(1, PART // max(1, longest))
        yield from (batch.slice(start, step) for start in range(0, len(batch), step))


def _shortest(value: Any) -> Any:
    """A number of single precision as its shortest decimal: 0.1, which is 0.10000000149011612 in double."""
    import numpy as np

    return value if value is None else float(str(np.float32(value)))
