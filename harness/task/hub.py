"""Data sets on a hub, read with the ``datasets`` library."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator

from harness.errors import InputError, missing_extra
from harness.task import asis
from harness.task.source import Row

UNLABELLED = (None, -1)  # what hidden labels stand as


class Hub(BaseModel):
    """A data set on a hub, read with the ``datasets`` library."""

    model_config = ConfigDict(extra="forbid")
    path: str
    name: str | None = None
    revision: str | None = None
    _nulls = model_validator(mode="before")(asis.nulls)


def rows(hub: Hub, split: str, target: str, typed: bool = False) -> Iterator[Row]:
    """The rows of ``split``, names in the place of class numbers; with ``typed`` all as the library has it. Raises
    InputError where ``target`` is not given."""
    try:
        import datasets
    except ImportError:
        raise missing_extra("datasets", "hub", f"Reading {hub.path!r} from a data hub") from None
    try:
        data = datasets.load_dataset(hub.path, hub.name, split=split, revision=hub.revision)
    except Exception as error:  # the library raises many kinds; all mean the reference cannot be read
        raise InputError(f"hub data set {hub.path!r}, split {split!r}: cannot be loaded: {error}") from None
    named = {k: f.int2str for k, f in data.features.items() if hasattr(f, "int2str") and not typed}
    for number, row in enumerate(data, 1):
        where = f"{hub.path}[{split}], row {number}"
        if target in named and row[target] in UNLABELLED:
            raise _unlabelled(hub, split, target, data, where)
        yield where, {k: named[k](v) if k in named and v not in UNLABELLED else v for k, v in row.items()}


def _unlabelled(hub: Hub, split: str, target: str, data: Any, where: str) -> InputError:
    count = sum(row[target] in UNLABELLED for row in data)
    others = [name for name in getattr(data.info, "splits", None) or () if name != split]
    name = f"Name one that has under `splits`{': ' + ', '.join(others) if others else ''}"
    if count == len(data):
        return InputError(f"hub data set {hub.path!r}, split {split!r}: this split has no labels. {name}.")
    return InputError(f"{where}: no label; {count} of the split's {len(data)} rows have none. {name}.")
