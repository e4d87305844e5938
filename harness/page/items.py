"""A table's items as columns: ids, targets, tags, parts, and each row's answers and scores."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from harness.kinds import Kind
from harness.page.cuts import Cut
from harness.page.numbers import thousandths
from harness.page.said import Said
from harness.types import Example

LIKELIEST = 5  # answers whose probabilities are shown


def coded(texts: Iterable[str | None]) -> dict[str, Any]:
    """Texts that recur: each once, and the items' places among them; -1 for none."""
    places: dict[str, int] = {}
    codes = [-1 if text is None else places.setdefault(text, len(places)) for text in texts]
    return {"values": list(places), "codes": codes}


def items(kind: Kind, examples: Sequence[Example], cuts: Sequence[Cut], rows: Sequence[Said]) -> dict[str, Any]:
    """The items of a table."""
    clusters = [example.cluster for example in examples]
    tags = dict.fromkeys(tag for example in examples for tag in example.tags)
    return {
        "ids": [example.id for example in examples],
        "targets": coded(example.target for example in examples),
        "clusters": coded(clusters) if any(cluster is not None for cluster in clusters) else None,
        "tags": {tag: coded(example.tags.get(tag) for example in examples) for tag in tags},
        "parts": [cut.of_items(len(examples)) for cut in cuts],
        "rows": [_row(kind, examples, row) for row in rows],
    }


def _row(kind: Kind, examples: Sequence[Example], row: Said) -> dict[str, Any]:
    return {
        "outputs": coded(row.outputs),
        "status": coded(row.status),
        "scores": thousandths(row.hits[0]),
        "confused": _confused(kind, examples, row),
        "stated": _stated(row),
    }


def classes(kind: Kind, examples: Sequence[Example], rows: Sequence[Said]) -> dict[str, list[str]] | None:
    """The classes on either side of a confusion matrix; none where the kind has none."""
    if not kind.members:
        return None
    pairs = {(example.target, output) for row in rows for example, output in zip(examples, row.outputs, strict=True)}
    invented = any(
        one == kind.nothing for target, output in pairs for one, _ in kind.confusions(Example("", {}, target), output)
    )
    members = list(kind.members)
    return {"truth": [*members, kind.nothing] if invented else members, "said": [*members, kind.nothing]}


def _confused(kind: Kind, examples: Sequence[Example], row: Said) -> list[int | list[int]] | None:
    """The cells of the matrix that an item counts in."""
    if not kind.members:
        return None
    places = {name: place for place, name in enumerate([*kind.members, kind.nothing])}
    width = len(places)
    known: dict[tuple[str, str | None], int | list[int]] = {}
    found = []
    for example, output in zip(examples, row.outputs, strict=True):
        key = (example.target, output)
        if key not in known:
            cells = [places[one] * width + places[other] for one, other in kind.confusions(example, output)]
            known[key] = cells[0] if len(cells) == 1 else cells
        found.append(known[key])
    return found


def _stated(row: Said) -> list[list[list[int]]] | None:
    """The likeliest answers with their probabilities in thousandths."""
    if row.stated is None:
        return None
    known = ~np.isnan(row.stated[:, 0])
    most = min(LIKELIEST, row.stated.shape[1])
    order = np.argsort(-row.stated, axis=1, kind="stable")[:, :most]
    shares = np.round(1000 * np.take_along_axis(np.nan_to_num(row.stated), order, axis=1)).astype(int)
    return [
        [[place, share] for place, share in zip(*each, strict=True)] if stated else []
        for stated, *each in zip(known.tolist(), order.tolist(), shares.tolist(), strict=True)
    ]
