"""``eval.yaml``, by which a data set on a hub says that it is a benchmark: its tasks, and which column is what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.bring.rows import Asked, Table
from harness.errors import InputError, unknown
from harness.task import asis

FILE = "eval.yaml"
TEST, DEFAULT = "test", "default"


@dataclass(frozen=True, slots=True)
class Benchmark:
    """One task of a benchmark: the subset ``config`` and the ``split`` it is of, and the columns that ``field_spec``
    names."""

    path: Path
    id: str
    config: str | None
    split: str
    fields: Mapping[str, str]

    def asking(self, asked: Asked) -> Asked:
        """``asked`` with the columns that the benchmark names and the user does not."""
        inputs = asked.inputs or tuple(filter(None, [self.fields.get("input")]))
        options = asked.options or tuple(filter(None, [self.fields.get("choices")]))
        return replace(asked, inputs=inputs, target=asked.target or self.fields.get("target"), options=options)

    def splits(self, tables: Mapping[str, Table]) -> dict[str, Table]:
        """``tables`` with the benchmark's split as the test; where there is no train split, that one is cut."""
        if self.split not in tables:
            raise unknown("split", self.split, tables, f"{self.path}, task {self.id!r}")
        test, train = tables[self.split], tables.get("train")
        told = f"{self.path.name}: task {self.id}, split {self.split}"
        if train is None or self.split == "train":
            cut = f"{told}; there is no train split beside it, so it is cut into train, dev and test"
            return {"train": replace(test, said=(*test.said, cut))}
        rest = {name: table for name, table in tables.items() if name not in (self.split, TEST)}
        return {**rest, "train": replace(train, said=(*train.said, told)), TEST: test}


def of(path: Path | None, subset: str | None) -> Benchmark | None:
    """The task of the benchmark at ``path`` whose id or subset is ``subset``, else its first; None where there is no
    such file, or it has no such task. Raises InputError for one that is none."""
    if path is None or not path.is_file():
        return None
    _, made = asis.document(path)
    listed = made.get("tasks") if isinstance(made, Mapping) else None
    if not isinstance(listed, list) or not all(isinstance(each, Mapping) and each.get("id") for each in listed):
        raise InputError(f"{path}: a benchmark has `tasks`, a list of which each has an `id`.")
    chosen = next((each for each in listed if subset in (None, each["id"], each.get("config"))), None)
    if chosen is None:
        return None
    config = chosen.get("config")
    return Benchmark(
        path,
        str(chosen["id"]),
        None if asis.null(config) or config == DEFAULT else str(config),
        str(chosen.get("split") or TEST),
        _fields(chosen.get("field_spec")),
    )


def _fields(given: Any) -> dict[str, str]:
    """The columns that are named; what stands for no column, such as ``literal:A``, is left out."""
    known = given if isinstance(given, Mapping) else {}
    return {str(key): str(name) for key, name in known.items() if isinstance(name, str) and ":" not in name}


def remote(name: str) -> Path | None:
    """The file of a data set on the hub, fetched; None where it has none."""
    try:
        from huggingface_hub import hf_hub_download

        return Path(hf_hub_download(name, FILE, repo_type="dataset"))
    except Exception:  # no package, no network, no such file: the data set itself is asked next, and says why
        return None
