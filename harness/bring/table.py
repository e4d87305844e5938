"""``harness init``: a project of the user's own, made from a labelled table and ready to run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from harness import paths
from harness.bring import project
from harness.bring.project import Row
from harness.chance import rng
from harness.errors import InputError, unknown
from harness.kinds import values
from harness.prompt.leak import Overlap
from harness.task import files
from harness.tokens import fold
from harness.types import Example

SHOWN = 3  # of what is told, so many are named


def init(
    folder: Path,
    name: str,
    data: Path,
    inputs: tuple[str, ...],
    target: str,
    test: Path | None = None,
    encoding: str | None = None,
    seed: int = 0,
) -> list[str]:
    """Write ``tasks/NAME`` and ``prompts/NAME`` below ``folder``, and say what was done, a line each.

    ``data`` is cut in train, dev and test (60, 10 and 30 %, each label in proportion) unless ``test`` gives the test
    set: then a tenth of ``data`` becomes dev. Small data makes no dev split. Items are shuffled; their ids hold the
    number of their row. Test items whose text, or nearly, is also in train are named in the report and left in place.
    An input may be one column, commas and all, or several with commas between them. Raises InputError, having written
    nothing, where a file or column is missing or a row is damaged.
    """
    if (folder / "tasks" / paths.name("task", name)).exists():
        raise InputError(f"{folder / 'tasks' / name} exists already. Choose another --name, or delete it.")
    inputs = _columns(data, inputs, target, encoding)
    if target in inputs:
        raise InputError(f"column {target!r} is both an input and the label: the prompt would show the answer.")
    rows, said = _read(data, inputs, target, encoding)
    labels = sorted({row.label for row in rows})
    if len(labels) < 2:
        raise InputError(f"{data}: column {target!r} holds one label only ({labels[0]}); two are the least.")
    splits = _split(rows, (0.9, 0.1) if test else (0.6, 0.1), seed)
    if test:
        given, told = _read(test, inputs, target, encoding)
        said += told
        if strange := sorted({row.label for row in given} - set(labels)):
            raise InputError(f"{test}: labels that {data} never shows: {', '.join(strange)}.")
        splits["test"] = given
    if not splits["test"]:
        raise InputError(f"{data}: no label has two rows, so none is left to test on. Give more rows, or --test.")
    said += _told(splits, labels)
    said += _overlap(splits["train"], splits["test"])
    for split, part in splits.items():
        splits[split] = [part[i] for i in rng("order", seed, split).permutation(len(part))]
    said.append(project.write(folder, name, splits, inputs, target, labels, data))
    return said


def _columns(path: Path, inputs: Sequence[str], target: str, encoding: str | None) -> tuple[str, ...]:
    """The columns that ``inputs`` name: each one column as it is written, else several with commas between them."""
    read = files.read(path, encoding or files.guess(path), (target,))
    _, known = next(read.rows, ("", {}))
    parts = [[text] if text in known or "," not in text else text.split(",") for text in inputs]
    return tuple(dict.fromkeys(name.strip() for part in parts for name in part if name.strip()))


def _read(path: Path, inputs: Sequence[str], target: str, encoding: str | None) -> tuple[list[Row], list[str]]:
    """The rows of ``path`` that have a label, and what there is to tell of them."""
    read = files.read(path, encoding or files.guess(path), (*inputs, target))
    rows, without, spaced, columns, number = list[Row](), list[int](), 0, dict[str, None](), 0
    for number, (where, row) in enumerate(read.rows, 1):
        columns |= dict.fromkeys(row)
        for column in inputs:
            if column not in row:
                raise unknown("column", column, row, where if number > 1 else str(path))
        given = row.get(target)
        label = "" if values.missing(given) else values.text(given, where, target)
        if not label.strip():
            without.append(number)
            continue
        spaced += label != label.strip()
        texts = {column: values.text(row[column], where, column).strip() for column in inputs}
        rows.append(Row(number, texts, label.strip()))
    if not number:
        raise InputError(f"{path}: holds no rows.")
    if target not in columns:
        raise unknown("column", target, columns, str(path))
    if not rows:
        raise InputError(f"{path}: no row has a label in column {target!r}.")
    said = [f"read {path} ({read.found}): {number} rows"]
    if without:
        said.append(f"left out {len(without)} of them, which have no label (rows {_few(without)})")
    if spaced:
        said.append(f"took spaces off the ends of {spaced} labels")
    return rows, [*said, *_labels(rows, path)]


def _labels(rows: Sequence[Row], path: Path) -> list[str]:
    """The labels with their counts, and what is odd about them."""
    counts = Counter(row.label for row in rows)
    said = [f"labels: {_few([f'{label} {count}' for label, count in counts.most_common()], 20)}"]
    alike: dict[str, list[str]] = {}
    for label in counts:
        alike.setdefault(fold(label), []).append(label)
    for group in (sorted(group) for group in alike.values() if len(group) > 1):
        shown = " beside ".join(f"{label!r} ({counts[label]})" for label in group)
        said.append(f"{shown}: they differ in case or spacing only, and stay labels of their own")
    if len(counts) > max(10, len(rows) / 2):
        said.append(f"{len(counts)} labels for {len(rows)} rows of {path}: is that the label's column?")
    return said


def _few(things: Sequence[object], shown: int = SHOWN) -> str:
    return ", ".join(map(str, things[:shown])) + (", …" if len(things) > shown else "")


def _split(rows: Sequence[Row], shares: tuple[float, float], seed: int) -> dict[str, list[Row]]:
    """Each label's rows, drawn by ``seed``: the first share is train, the second dev, the rest test. Train has each
    label, and test, where there is a rest, each of two rows or more."""
    splits: dict[str, list[Row]] = {"train": [], "dev": [], "test": []}
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row.label, []).append(row)
    rest = sum(shares) < 1
    for label in sorted(groups):
        group = [groups[label][i] for i in rng("split", seed, label).permutation(len(groups[label]))]
        first = max(1, min(round(len(group) * shares[0]), len(group) - rest))
        second = first + round(len(group) * shares[1]) if rest else len(group)
        for split, piece in zip(splits, (group[:first], group[first:second], group[second:]), strict=True):
            splits[split].extend(piece)
    if {row.label for row in splits["dev"]} != set(groups):
        splits["train"] += splits.pop("dev")
    return splits


def _told(splits: Mapping[str, Sequence[Row]], labels: Sequence[str]) -> list[str]:
    said = ["splits: " + ", ".join(f"{len(part)} {split}" for split, part in splits.items())]
    if "dev" not in splits:
        said.append("no dev split: there are too few rows for one that has every label")
    tested = {row.label for row in splits["test"]}
    if untested := [label for label in labels if label not in tested]:
        said.append(f"no test item has the label {_few(untested)}: too few rows have it")
    return said


def _overlap(train: Sequence[Row], test: Sequence[Row]) -> list[str]:
    def examples(rows: Sequence[Row], split: str) -> list[Example]:
        return [Example(f"{split}-{row.number}", row.inputs, row.label) for row in rows]

    overlap = Overlap(examples(train, "train"))
    near = [example.id for example in examples(test, "test") if overlap.barred(example)]
    if not near:
        return ["no test item is a near-duplicate of a train item"]
    return [
        f"{len(near)} test items are near-duplicates of train items ({_few(near)}): they "
        "stay, are never shown as their own demonstration, and flatter trained baselines"
    ]
