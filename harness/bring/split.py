"""Train, dev and test: drawn by a seed, each label in proportion, or document by document."""

from __future__ import annotations

from collections.abc import Sequence

from harness.bring.items import Item
from harness.chance import rng
from harness.kinds import Kind

DOCUMENTS = 10  # with fewer there is no dev split


def split(items: Sequence[Item], kind: Kind, shares: tuple[float, float], seed: int) -> dict[str, list[Item]]:
    """The first share of ``items`` is train, the second dev, the rest test. Items of one document stay together. A dev
    split that would lack a label, or has too few documents, goes to train."""
    if kind.name == "classification" and all(item.example.cluster is None for item in items):
        return _by_label(items, shares, seed)
    return _by_document(items, kind, shares, seed)


def _by_label(items: Sequence[Item], shares: tuple[float, float], seed: int) -> dict[str, list[Item]]:
    """Train has each label, and test, where there is a rest, each of two items or more."""
    splits: dict[str, list[Item]] = {"train": [], "dev": [], "test": []}
    groups: dict[str, list[Item]] = {}
    for item in items:
        groups.setdefault(item.example.target, []).append(item)
    rest = sum(shares) < 1
    for label in sorted(groups):
        group = [groups[label][i] for i in rng("split", seed, label).permutation(len(groups[label]))]
        first = max(1, min(round(len(group) * shares[0]), len(group) - rest))
        second = first + round(len(group) * shares[1]) if rest else len(group)
        for name, piece in zip(splits, (group[:first], group[first:second], group[second:]), strict=True):
            splits[name].extend(piece)
    if {item.example.target for item in splits["dev"]} != set(groups):
        splits["train"] += splits.pop("dev")
    return splits


def _by_document(items: Sequence[Item], kind: Kind, shares: tuple[float, float], seed: int) -> dict[str, list[Item]]:
    """Documents in an order drawn by ``seed``: those that show train a label it has not met go first, so that train
    has each, then train, dev and test are filled up."""
    groups: dict[str, list[Item]] = {}
    for place, item in enumerate(items):
        groups.setdefault(item.example.cluster or f"\0{place}", []).append(item)
    names = list(groups)
    order = [names[i] for i in rng("split", seed, "documents").permutation(len(names))]
    rest = sum(shares) < 1
    met: set[str] = set()
    first, later = list[str](), list[str]()
    for name in order:
        shown = {each for item in groups[name] for each in _classes(item, kind)}
        enough = len(first) + 1 >= len(order) if rest else False
        (later if shown <= met or enough else first).append(name)
        met |= shown if name in first[-1:] else set()
    splits: dict[str, list[Item]] = {"train": [], "dev": [], "test": []}
    counts = [round(len(items) * shares[0]), round(len(items) * sum(shares))]
    taken = 0
    for place, name in enumerate([*first, *later]):
        last = rest and 0 < place == len(order) - 1
        part = "test" if last else "train" if taken < counts[0] or place < len(first) else "dev"
        splits["test" if part == "dev" and rest and taken >= counts[1] else part] += groups[name]
        taken += len(groups[name])
    labels = {each for item in splits["dev"] for each in _classes(item, kind)}
    few = len(order) < DOCUMENTS or not splits["dev"]
    if few or (kind.name == "classification" and labels != {item.example.target for item in items}):
        splits["train"] += splits.pop("dev")
    return splits


def _classes(item: Item, kind: Kind) -> Sequence[str]:
    """The labels, types or slots that an item shows; none where answers have no such."""
    if kind.name == "classification":
        return [item.example.target]
    return kind.classes(item.example.target) if kind.members else []
