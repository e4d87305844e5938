"""Randomness is an argument: a generator that depends on its key alone."""

from __future__ import annotations

from hashlib import sha256

import numpy as np


def rng(*key: object) -> np.random.Generator:
    """A generator that is a pure function of ``key``: the same numbers in any process, order or batch."""
    return np.random.default_rng(int.from_bytes(sha256(repr(key).encode()).digest()[:16], "big"))
