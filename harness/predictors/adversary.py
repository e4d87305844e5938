"""Adversarial training: the fast gradient method on word embeddings (FGM; Miyato et al., 2017)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self


class Adversary:
    """Moves the word embeddings of every text by ``size`` (their Euclidean norm, over all words of the text) along the
    gradient of its loss. What is moved is the layer's output and never its weights: a frozen layer stays frozen, and
    an output layer that shares the weights is not moved with it. ``size`` 0 does nothing. Used in a ``with``, after
    which nothing of it is left in the model."""

    def __init__(self, body: Any, size: float) -> None:
        self._body, self._size = body, size
        self._words: Any = None
        self._shift: Any = None

    def __enter__(self) -> Self:
        if self._size:
            self._hook = self._body.get_input_embeddings().register_forward_hook(self._embedded)
        return self

    def __exit__(self, *_: object) -> None:
        if self._size:
            self._hook.remove()
            self._words = self._shift = None

    def _embedded(self, layer: Any, read: Any, words: Any) -> Any:
        """The embeddings (texts, tokens, width) as the network is to see them."""
        import torch

        if not torch.is_grad_enabled():  # dev is scored, nothing learnt
            return words
        if self._shift is not None:
            return words + self._shift
        words.requires_grad_(True).retain_grad()
        self._words = words
        return words

    def attack(self, loss: Callable[[], Any]) -> None:
        """Adds to all gradients those of ``loss()`` at the moved words. The plain loss has been computed and
        back-propagated just before, on the same texts."""
        import torch

        if not self._size or self._words is None or self._words.grad is None:
            return
        slope = self._words.grad
        norm = slope.flatten(1).norm(dim=1)[:, None, None]
        # Where the loss is flat, or its gradient overflowed, there is no direction to move in.
        self._shift = self._size * torch.where(norm > 0, slope / norm, 0.0).nan_to_num(0.0, 0.0, 0.0)
        try:
            loss().backward()
        finally:
            self._words = self._shift = None
