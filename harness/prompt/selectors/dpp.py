"""A determinantal point process: the likeliest set of neighbours that are near the item and apart from each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from harness.errors import InputError
from harness.models.embed import DEFAULT
from harness.prompt.selectors.diverse import Diverse
from harness.results.vault import Vault

LEAST = 1e-9  # of what a further one adds to the determinant, relative to what it has by itself: below it adds nothing


class Dpp(Diverse):
    """The likeliest set under a determinantal point process: near the item, and apart from each other.

    Its kernel is that of CEIL (Ye et al., 2023, "Compositional exemplars for in-context learning"), untrained: the log
    of a set's weight is the sum of its similarities to the item over ``trade``, plus the log-determinant of those to
    each other. The set is found greedily (Chen, Zhang and Zhou, 2018, algorithm 1)."""

    name = "dpp"

    def __init__(
        self, embedder: str = DEFAULT, index: str = "exact", vault: Vault | None = None, trade: float = 0.1
    ) -> None:
        super().__init__(embedder, index, vault)
        if not 0.01 <= trade <= 100:
            raise InputError(f"selector 'dpp': trade must be from 0.01 to 100, not {trade!r}.")
        self.trade = trade

    def choose(self, relevance: Any, similarity: Any, shots: int) -> Sequence[int]:
        own = np.maximum(np.diag(similarity), LEAST)
        left = own.copy()  # of each one's own squared length, what does not lie in the span of what is chosen
        rows = np.zeros((min(shots, len(relevance)), len(relevance)))
        open_ = left > 0
        chosen: list[int] = []
        for place in range(len(rows)):
            worth = np.round(relevance / self.trade + np.log(np.maximum(left, LEAST * own)), 9)
            best = int(np.where(open_, worth, -np.inf).argmax())
            chosen.append(best)
            open_[best] = False
            if left[best] > LEAST * own[best]:
                rows[place] = (similarity[best] - rows[:place].T @ rows[:place, best]) / np.sqrt(left[best])
                left = left - rows[place] ** 2
        return chosen

    def __repr__(self) -> str:
        return f"{super().__repr__()[:-1]}, trade={self.trade!r})"
