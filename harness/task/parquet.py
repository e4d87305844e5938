"""Parquet files, row by row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from harness.errors import InputError
from harness.task.delimited import named
from harness.task.source import Read, Row, Source

BATCH = 4096  # rows made of columns at once


def read(source: Source, wanted: Sequence[str]) -> Read:
    """The rows of ``source``; an index that pandas wrote is one column more."""
    return Read("Parquet", _rows(source))


def _rows(source: Source) -> Iterator[Row]:
    import pyarrow
    import pyarrow.parquet

    number = 0
    try:
        with source.readable(), pyarrow.parquet.ParquetFile(source.path) as file:
            named(list(file.schema_arrow.names), str(source.path))
            short = [field.name for field in file.schema_arrow if field.type in (pyarrow.float16(), pyarrow.float32())]
            for batch in file.iter_batches(BATCH):
                for row in batch.to_pylist():
                    number += 1
                    yield f"{source.path}, row {number}", row | {name: _shortest(row[name]) for name in short}
    except (pyarrow.ArrowException, ValueError, TypeError, LookupError, OverflowError, MemoryError) as error:
        reason = str(error).partition("\n")[0].rstrip(".")
        raise InputError(f"{source.path}: cannot be read as Parquet after row {number}: {reason}.") from None


def _shortest(value: Any) -> Any:
    """A number of single precision as its shortest decimal: 0.1, which is 0.10000000149011612 in double."""
    import numpy as np

    return value if value is None else float(str(np.float32(value)))
