"""How prompts are asked, whatever their template: what a study, a check and a look at one prompt have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from harness.prompt.selectors import Selector, create
from harness.results.vault import Vault


@dataclass(frozen=True, kw_only=True)
class Asking:
    """``order``, ``draw``, ``demos``, ``embedder`` and ``index`` say which demonstrations a selector gives, ``mode``,
    ``overlength`` and ``on_failure`` how an item is answered, ``normalize`` and ``calibrate_on`` how its scores are
    read, ``split``, ``limit`` and ``without_overlap`` which items there are."""

    order: str = "ascending"
    draw: str = "shared"
    demos: Sequence[str] = ()
    embedder: str = "lsa"
    index: str = "exact"
    mode: str = "score"
    overlength: str = "error"
    on_failure: str = "count"
    normalize: str = "sum"
    calibrate_on: str = "train:64"
    split: str = "test"
    limit: Annotated[int, Field(ge=1)] | None = None
    without_overlap: bool = False

    def select_by(self, name: str, seed: int, indexes: Vault | None = None) -> Selector:
        """The selector ``name`` with the parameters it takes; ``indexes`` keeps those of large pools."""
        params: dict[str, dict[str, Any]] = {
            "fixed": {"ids": self.demos},
            "random": {"seed": seed, "draw": self.draw},
            "balanced": {"seed": seed, "draw": self.draw},
            "knn": {"embedder": self.embedder, "index": self.index, "vault": indexes},
            "knn-balanced": {"embedder": self.embedder, "index": self.index, "vault": indexes},
            "bm25": {"vault": indexes},
        }
        return create(name, **params.get(name, {}))
