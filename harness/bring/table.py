"""``harness init``: a project of the user's own, made from a table of rows, whatever file they come from."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from harness import paths
from harness.bring import guess, hub, items, project, shapes, templates
from harness.bring.guess import CHINESE, Plan
from harness.bring.items import Item
from harness.bring.rows import Asked, Table, few
from harness.bring.split import split
from harness.chance import rng
from harness.errors import InputError
from harness.kinds import Kind
from harness.prompt.leak import Overlap
from harness.types import Example

# Baselines of each kind that take no time.
QUICK: Mapping[str, str] = {
    "classification": "majority,tfidf-logreg",
    "multilabel": "majority,tfidf-logreg",
    "choice": "place,similarity",
    "entities": "dictionary",
    "span": "sentence",
    "number": "operation,last-number",
    "text": "copy,nearest",
    "exact": "nearest",
    "state": "last-mention",
}


def init(
    folder: Path,
    name: str,
    data: Path | Sequence[Path],
    inputs: tuple[str, ...] = (),
    target: str | None = None,
    test: Path | Sequence[Path] | None = None,
    encoding: str | None = None,
    seed: int = 0,
    asked: Asked = Asked(),  # noqa: B008 (frozen)
    from_hub: str | None = None,
) -> list[str]:
    """Write ``tasks/NAME`` and ``prompts/NAME`` below ``folder``, and say what was done, a line each.

    ``data`` is cut in train, dev and test (60, 10 and 30 %, each label in proportion, or document by document) unless
    ``test`` gives the test set: then a tenth of ``data`` becomes dev. Small data makes no dev split. Items are
    shuffled; their ids hold the number of their row. Test items whose text, or nearly, is also in train are named in
    the report and left in place. An input may be one column, commas and all, or several with commas between them. What
    is not ``asked`` for is guessed. ``from_hub`` names a data set of a hub in the place of ``data``.

    Raises InputError, having written nothing, where a file or column is missing or a row is damaged.
    """
    if (folder / "tasks" / paths.name("task", name)).exists():
        raise InputError(f"{folder / 'tasks' / name} exists already. Choose another --name, or delete it.")
    asked = replace(asked, inputs=inputs or asked.inputs, target=target or asked.target, encoding=encoding)
    given, asked = hub.read(from_hub, asked) if from_hub else (_given(data, test, asked), asked)
    table = given["train"]
    plan = guess.plan(table, asked)
    rows, said = items.answered(table, plan)
    kind, own = items.kind(rows, plan, table)
    said += [*items.told(rows, plan, table), *table.said, *guess.said(plan, table)]
    splits = _splits(given, items.checked(rows, plan, kind), plan, kind, seed, said)
    said += _told(splits, kind)
    said += items.unread([item for part in splits.values() for item in part], kind, name)
    said += _overlap(splits["train"], splits["test"])
    for part, found in splits.items():
        splits[part] = [found[i] for i in rng("order", seed, part).permutation(len(found))]
    key = project.key(plan)
    written = {
        part: [{key: f"{part}-{item.number}", **item.fields} for item in found] for part, found in splits.items()
    }
    source = from_hub or ", ".join(each.name for each in _listed(data))
    document = project.document(name, plan, kind, own, splits, source)
    texts = templates.texts(_made(plan, kind, splits["train"], name))
    said.append(project.write(folder, name, document, written, texts))
    said.append(
        f"Next: harness run --task {shlex.quote(name)} --shots 0,5 "
        + " ".join(f"--baseline {each}" for each in QUICK.get(plan.kind, "").split(",") if each)
    )
    return said


def _listed(given: Path | Sequence[Path] | None) -> Sequence[Path]:
    return [] if given is None else [given] if isinstance(given, Path) else given


def _given(data: Path | Sequence[Path], test: Path | Sequence[Path] | None, asked: Asked) -> dict[str, Table]:
    made = {"train": shapes.read(_listed(data), asked)}
    if test:
        plan = guess.plan(made["train"], asked)
        made["test"] = shapes.read(_listed(test), replace(asked, inputs=plan.inputs, target=plan.target))
    return made


def _splits(
    given: Mapping[str, Table], found: list[Item], plan: Plan, kind: Kind, seed: int, said: list[str]
) -> dict[str, list[Item]]:
    """The splits that are given, and those that ``found``, the items of the first table, are cut into."""
    shares = (1.0, 0.0) if "dev" in given else (0.9, 0.1) if "test" in given else (0.6, 0.1)
    splits = {"train": found} if shares[0] == 1 else split(found, kind, shares, seed)
    known = {item.example.target for item in found}
    for name, table in given.items():
        if name == "train":
            continue
        rows, told = items.answered(table, plan)
        told += items.told(rows, plan, table)
        said += told
        strange = sorted({str(row.fields[plan.target]) for row in rows} - known)
        if kind.name == "classification" and strange:
            raise InputError(f"{table.path}: labels that {given['train'].path} never shows: {', '.join(strange)}.")
        splits[name] = items.checked(rows, plan, kind)
    if not splits.get("test"):
        path = given["train"].path
        if plan.cluster:
            raise InputError(f"{path}: one document only, so none is left to test on. Give --test, or --cluster none.")
        why = "no label has two rows" if kind.name == "classification" else "one row only"
        raise InputError(f"{path}: {why}, so none is left to test on. Give more rows, or --test.")
    _shared(splits, said)
    return {name: splits[name] for name in ("train", "dev", "test") if splits.get(name)}


def _shared(splits: Mapping[str, Sequence[Item]], said: list[str]) -> None:
    held = {item.example.cluster for item in splits["train"]} - {None}
    if both := held & {item.example.cluster for item in splits["test"]}:
        said.append(f"{len(both)} documents have items in train and in test: scores there are not of new documents")


def _told(splits: Mapping[str, Sequence[Item]], kind: Kind) -> list[str]:
    said = ["splits: " + ", ".join(f"{len(part)} {split}" for split, part in splits.items())]
    if kind.name != "classification":
        return said if "dev" in splits else [*said, "no dev split: there are too few items or documents for one"]
    if "dev" not in splits:
        said.append("no dev split: there are too few rows for one that has every label")
    tested = {item.example.target for item in splits["test"]}
    if untested := [label for label in kind.outputs if label not in tested]:
        said.append(f"no test item has the label {few(untested)}: too few rows have it")
    return said


def _overlap(train: Sequence[Item], test: Sequence[Item]) -> list[str]:
    def examples(found: Sequence[Item], split: str) -> list[Example]:
        return [Example(f"{split}-{each.number}", each.example.inputs, each.example.target) for each in found]

    overlap = Overlap(examples(train, "train"))
    near = [example.id for example in examples(test, "test") if overlap.barred(example)]
    if not near:
        return ["no test item is a near-duplicate of a train item"]
    return [
        f"{len(near)} test items are near-duplicates of train items ({few(near)}): they "
        "stay, are never shown as their own demonstration, and flatter trained baselines"
    ]


def _made(plan: Plan, kind: Kind, train: Sequence[Item], name: str) -> templates.Made:
    words = kind.words(None, name)
    tokens = 0 if kind.scored(words) else items.longest(train, kind, name)
    language = CHINESE if plan.language == CHINESE else "en"
    return templates.Made(plan.kind, list(project.names(plan.inputs)), plan.target, language, tokens)
