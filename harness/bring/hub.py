"""Data sets of a hub by name, ``NAME`` or ``NAME:SUBSET``: from the hub, or from a folder in its layout."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from harness import paths
from harness.bring import benchmark
from harness.bring.rows import Asked, Row, Table
from harness.bring.shapes import tables
from harness.bring.shapes.file import File
from harness.errors import InputError, missing_extra, unknown
from harness.task import asis, files
from harness.task.hub import Hub, rows

# What splits are called there, the likelier name first.
NAMES: Mapping[str, tuple[str, ...]] = {
    "train": ("train",),
    "dev": ("dev", "validation", "valid", "val"),
    "test": ("test", "eval"),
}
CARD = "README.md"
DEFAULT = "default"
_FENCED = re.compile(r"\s*---\r?\n(.*?)\r?\n---", re.DOTALL)


def read(given: str, asked: Asked) -> tuple[dict[str, Table], Asked]:
    """The splits of a data set, and what is ``asked`` of it, by a benchmark too: a validation split is the test where
    there is no other. Raises InputError for a name, subset or split that is not there."""
    name, subset = _named(given)
    local = Path(name).is_dir()
    bench = benchmark.of(Path(name) / benchmark.FILE if local else benchmark.remote(name), subset)
    if bench is not None:
        subset = bench.config if subset in (None, bench.id) else subset
        asked = bench.asking(asked)
    tables = _folder(Path(name), subset, asked) if local else _remote(name, subset, asked)
    if bench is not None:
        tables = bench.splits(tables)
    found = {ours: tables[next(each for each in theirs if each in tables)] for ours, theirs in NAMES.items()
             if any(each in tables for each in theirs)}  # fmt: skip
    if "test" not in found and "dev" in found:
        found["test"] = found.pop("dev")
    if "train" not in found:
        raise InputError(f"{given}: no split called train. It has {', '.join(tables) or 'none'}.")
    return found, asked


def _named(given: str) -> tuple[str, str | None]:
    name, colon, subset = given.rpartition(":")
    return (name, subset) if colon and not Path(given).exists() else (given, None)


def _remote(name: str, subset: str | None, asked: Asked) -> dict[str, Table]:
    try:
        import datasets
    except ImportError:
        raise missing_extra("datasets", "hub", f"Reading {name!r} from a data hub") from None
    try:
        splits = list(datasets.get_dataset_split_names(name, subset))
    except Exception as error:  # the library raises many kinds; all mean the reference cannot be read
        raise InputError(f"hub data set {name!r}: cannot be loaded: {error}") from None
    hub = Hub(path=name, name=subset)
    wanted = [split for split in splits if any(split in names for names in NAMES.values())]
    return {split: _rows(hub, split, asked) for split in wanted}


def _rows(hub: Hub, split: str, asked: Asked) -> Table:
    read = enumerate(rows(hub, split, asked.target or ""), 1)
    made = [Row(number, where, fields) for number, (where, fields) in read]
    if not made:
        raise InputError(f"hub data set {hub.path!r}, split {split!r}: holds no rows.")
    return Table(Path(f"{hub.path}[{split}]"), "from a data hub", made)


def _folder(folder: Path, subset: str | None, asked: Asked) -> dict[str, Table]:
    """The splits of a folder: the files that its card names, else those whose names begin with a split's."""
    card = _card(folder)
    configs = card.get("configs")
    listed = [each for each in configs if isinstance(each, Mapping)] if isinstance(configs, list) else []
    known = [str(each.get("config_name", DEFAULT)) for each in listed]
    if subset is not None and subset not in known:
        raise unknown("subset", subset, known, str(folder))
    if listed:
        wanted = subset or (DEFAULT if DEFAULT in known else known[0])
        chosen = listed[known.index(wanted)]
        patterns = dict(_patterns(chosen.get("data_files"), folder))
    else:
        patterns = {
            name: [f"**/{name}[.-]*", f"{name}[.-]*", f"**/{name}/*"] for names in NAMES.values() for name in names
        }
    found = {split: _files(folder, each) for split, each in patterns.items()}
    return {split: _joined(paths, asked) for split, paths in found.items() if paths}


def _card(folder: Path) -> Mapping[str, Any]:
    """The front matter of the card; empty where there is none. Raises InputError for one that is no YAML."""
    path = folder / CARD
    if not path.exists():
        return {}
    try:
        fenced = _FENCED.match(paths.text(path, asis.LONGEST).removeprefix("\ufeff"))
        made = asis.load(fenced[1]) if fenced else None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InputError(f"{path}: the front matter cannot be read: {error}.") from None
    return made if isinstance(made, Mapping) else {}


def _patterns(given: Any, folder: Path) -> Iterator[tuple[str, list[str]]]:
    """The patterns of each split's files; those that would lead out of the folder are refused."""
    if isinstance(given, str):
        given = [{"split": "train", "path": given}]
    for each in given if isinstance(given, list) else ():
        path = each.get("path") if isinstance(each, Mapping) else None
        patterns = [str(one) for one in path] if isinstance(path, list) else [str(path)]
        for pattern in patterns:
            if Path(pattern).is_absolute() or ".." in Path(pattern).parts or not pattern:
                raise InputError(f"{folder / CARD}: data_files has {pattern!r}, which is not within the folder.")
        yield str(each.get("split", "train")) if isinstance(each, Mapping) else "train", patterns


def _files(folder: Path, patterns: list[str]) -> list[Path]:
    found = {path for pattern in patterns for path in folder.glob(pattern) if path.is_file()}
    return sorted(path for path in found if File(path).suffix in files.FORMATS)


def _joined(found: list[Path], asked: Asked) -> Table:
    """The rows of one file, or of the parts of one table."""
    parts = [tables.read(File(path, asked.encoding), asked) for path in found]
    rows = [row for part in parts for row in part.rows]
    return Table(found[0], parts[0].found, [Row(number, row.where, row.fields) for number, row in enumerate(rows, 1)])
