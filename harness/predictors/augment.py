"""Training-time text augmentation: an epoch's view of an example, a pure function of (seed, epoch, id)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from harness.chance import rng
from harness.types import Example

SHARE = 0.1  # of the words


def augmented(example: Example, kind: str, seed: int, epoch: int) -> Example:
    """``example`` with every input changed by ``kind`` (one of ``AUGMENTATIONS``)."""
    draw = rng("augment", kind, seed, epoch, example.id)
    return replace(example, inputs={name: _words(text, kind, draw) for name, text in example.inputs.items()})


def _words(text: str, kind: str, draw: np.random.Generator) -> str:
    """Words are what spaces part; a text without spaces, such as Chinese, goes by its characters."""
    parts = text.split()
    glue = " "
    if len(parts) < 2:
        parts, glue = list(text), ""
    return glue.join(AUGMENTATIONS[kind](parts, draw))


def _same(words: list[str], draw: np.random.Generator) -> list[str]:
    return words


def _drop(words: list[str], draw: np.random.Generator) -> list[str]:
    """Each word goes with probability 0.1; one always stays (Iyyer et al., 2015)."""
    kept = [word for word, chance in zip(words, draw.random(len(words)), strict=True) if chance >= SHARE]
    return kept or words[:1]


def _swap(words: list[str], draw: np.random.Generator) -> list[str]:
    """A word in ten changes places with another (random swap; Wei and Zou, 2019)."""
    out = list(words)
    for _ in range(max(1, round(SHARE * len(out)))) if len(out) > 1 else ():
        i, j = draw.choice(len(out), 2, replace=False)
        out[i], out[j] = out[j], out[i]
    return out


AUGMENTATIONS: dict[str, Callable[[list[str], np.random.Generator], list[str]]] = {
    "none": _same,
    "word-dropout": _drop,
    "word-swap": _swap,
}
