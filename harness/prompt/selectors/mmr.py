"""Maximal marginal relevance: near the item, and unlike what is chosen already."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from harness.errors import InputError
from harness.models.embed import DEFAULT
from harness.prompt.selectors.diverse import Diverse
from harness.results.vault import Vault


class Mmr(Diverse):
    """Near the item, and unlike what is chosen already, by maximal marginal relevance.

    One after the other, that with the largest ``weight`` x (similarity to the item) - (1 - ``weight``) x (largest
    similarity to what is chosen) (Carbonell and Goldstein, 1998; of demonstrations Ye et al., 2023, "Complementary
    explanations for effective in-context learning")."""

    name = "mmr"

    def __init__(
        self, embedder: str = DEFAULT, index: str = "exact", vault: Vault | None = None, weight: float = 0.5
    ) -> None:
        super().__init__(embedder, index, vault)
        if not 0 <= weight <= 1:
            raise InputError(f"selector 'mmr': weight must be from 0 to 1, not {weight!r}.")
        self.weight = weight

    def choose(self, relevance: Any, similarity: Any, shots: int) -> Sequence[int]:
        chosen: list[int] = []
        like = np.zeros(len(relevance))
        open_ = np.ones(len(relevance), bool)
        while len(chosen) < min(shots, len(relevance)):
            worth = np.round(self.weight * relevance - (1 - self.weight) * like, 9)
            best = int(np.where(open_, worth, -np.inf).argmax())
            like = np.maximum(like, similarity[best]) if chosen else similarity[best]
            open_[best] = False
            chosen.append(best)
        return chosen

    def __repr__(self) -> str:
        return f"{super().__repr__()[:-1]}, weight={self.weight!r})"
