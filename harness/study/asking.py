"""How prompts are asked, whatever their template: what a study, a check and a look at one prompt have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from harness import params, predictors
from harness.errors import InputError, unknown
from harness.kinds import Kind
from harness.models.embed import DEFAULT
from harness.predictors.trained import ENCODER
from harness.prompt.selectors import Selector, create
from harness.results.vault import Vault
from harness.study import defaults
from harness.types import Predictor

BY_LABEL = ("balanced", "knn-balanced")


@dataclass(frozen=True, kw_only=True)
class Asking:
    """``order``, ``draw``, ``demos``, ``embedder``, ``learner`` and ``index`` say which demonstrations there are,
    ``mode``, ``overlength`` and ``on_failure`` how an item is answered, ``normalize`` and ``calibrate_on`` how its
    scores are read, ``split``, ``limit`` and ``without_overlap`` which items there are."""

    order: str = "ascending"
    draw: str = "shared"
    demos: Sequence[str] = ()
    embedder: str = "lsa"
    learner: str = "tfidf-logreg"
    index: str = "exact"
    mode: str = "auto"
    overlength: str = "error"
    on_failure: str = "count"
    normalize: str = "sum"
    calibrate_on: str = "train:64"
    split: str = "test"
    limit: Annotated[int, Field(ge=1)] | None = None
    without_overlap: bool = False

    def select_by(self, name: str, seed: int, kind: Kind, indexes: Vault | None = None) -> Selector:
        """The selector ``name`` (``auto``: by the ``kind`` of answers) with the parameters it takes; ``indexes`` keeps
        those of large pools. Raises InputError for one that needs labels where items have none."""
        name = defaults.selector(name, kind)
        if name in BY_LABEL and not kind.outputs:
            raise InputError(
                f"--selector {name} takes the labels in turn, and an item of kind {kind.name} is not of one label. Use "
                "random, knn, bm25 or fixed."
            )
        given: dict[str, dict[str, Any]] = {
            "fixed": {"ids": self.demos},
            "random": {"seed": seed, "draw": self.draw},
            "balanced": {"seed": seed, "draw": self.draw},
            "knn": {"embedder": self.embedder, "index": self.index, "vault": indexes},
            "knn-balanced": {"embedder": self.embedder, "index": self.index, "vault": indexes},
            "bm25": {"vault": indexes},
            "mmr": {"embedder": self.embedder, "index": self.index, "vault": indexes},
            "dpp": {"embedder": self.embedder, "index": self.index, "vault": indexes},
            "vote-k": {"embedder": self.embedder},
            "set-bsr": {"embedder": ENCODER if self.embedder == DEFAULT else self.embedder},
            "lm-eval": {"seed": seed},
            "lm-eval-spare": {"seed": seed},
        }
        if name == "l2d":
            given[name] = {"learner": self._learner(kind, seed, indexes)}
        return create(name, **given.get(name, {}))

    def _learner(self, kind: Kind, seed: int, vault: Vault | None) -> Predictor:
        """The untrained baseline ``learner``; ``vault`` keeps what is trained in epochs."""
        name, _, model = self.learner.partition(":")
        if name not in kind.baselines:
            raise unknown("baseline", name, kind.baselines, "--learner")
        taken = params.parameters(predictors.BASELINES.find(name))
        if model and "model" not in taken:
            raise InputError(f"--learner {self.learner}: {name} takes no model. Write {name}.")
        given = {**({"model": model} if model else {}), **({"vault": vault} if "vault" in taken else {})}
        made: Predictor = predictors.BASELINES.find(name)(kind, seed=seed, **given)
        return made
