"""The best and the worst of many prompts, found with a part of the answers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from harness.chance import rng
from harness.probe.cells import Cells

BATCH = 5  # items that a prompt is asked about at a time
LEAST = 8  # times BATCH: a budget that can be searched with


@dataclass(frozen=True, slots=True)
class Extremes:
    """The prompts found best and worst, by place, and the items that both are then asked about: none of them was
    looked at in the search, so that what was lucky there is not so here."""

    best: int
    worst: int
    items: tuple[int, ...]


def extremes(cells: Cells, budget: int, seed: int) -> Extremes:
    """Searches by Thompson sampling (Thompson, 1933; Sclar et al., 2024, section 3.2), for the best and the worst in
    turn: of each prompt's score there is a Beta belief, one value is drawn of each, and the prompt whose value is
    highest (or lowest) is asked about the next items. A third of ``budget`` answers is kept for each of the two found.
    """
    draw = rng("search", seed, len(cells.prompts))
    order = [int(place) for place in draw.permutation(len(cells.items))]
    last = min(len(order) // 2, budget // 3)
    held, looked = order[len(order) - last :], order[: len(order) - last]
    left, begun = budget - 2 * last, [0] * len(cells.prompts)
    sums = np.zeros((len(cells.prompts), 2))
    while left > 0 and min(begun) < len(looked):
        taken: dict[int, list[int]] = {}
        for highest in (True, False):
            open_ = [place for place, count in enumerate(begun) if count < len(looked) and place not in taken]
            if left <= 0 or not open_:
                break
            values = draw.beta(1 + sums[open_, 0], 1 + sums[open_, 1])
            place = open_[int(np.argmax(values) if highest else np.argmin(values))]
            taken[place] = looked[begun[place] : begun[place] + min(BATCH, left)]
            begun[place] += len(taken[place])
            left -= len(taken[place])
        cells.ask(taken)
        for place, items in taken.items():
            right = float(cells.scores[place, items].sum())
            sums[place] += (right, len(items) - right)
    believed = (1 + sums[:, 0]) / (2 + sums.sum(1))
    best = int(np.argmax(believed))
    worst = int(np.argmin(np.where(np.arange(len(believed)) == best, np.inf, believed)))
    cells.ask({best: held, worst: held})
    return Extremes(best, worst, tuple(held))
