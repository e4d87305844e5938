"""What a server says of the models that it serves, each thing as far as it can be true."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

LONGEST = 300  # characters of a model's name


class Served:
    """``cards`` hold what is said of each model, by its name."""

    def __init__(self, cards: Mapping[str, Mapping[str, Any]]) -> None:
        self._cards = cards
        self.names = list(cards)
        self.is_vllm = any(card.get("owned_by") == "vllm" for card in cards.values())

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> Served:
        """What an answer to ``/models`` holds."""
        cards = [each for each in said["data"] if isinstance(each, dict)]
        return cls({name: card for card in cards if isinstance(name := card.get("id"), str) and len(name) <= LONGEST})

    def weights(self, name: str) -> str:
        """What the server says it loaded for the model; empty where it does not say."""
        root = self._cards.get(name, {}).get("root")
        return root if isinstance(root, str) else ""

    def max_length(self, name: str) -> int:
        """Tokens of prompt and answer together that it takes; unbounded where the server does not say."""
        length = self._cards.get(name, {}).get("max_model_len")
        return length if isinstance(length, int) and length > 0 else sys.maxsize
