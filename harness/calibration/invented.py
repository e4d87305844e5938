"""Inputs that no data set holds, made up to see what a prompt answers to them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from harness.types import Example


def invented(name: str, number: int, inputs: Mapping[str, str]) -> Example:
    """Example ``number`` of the calibration ``name``, without a target. Its id ends in a hash of its inputs: the same
    in every run, and no id of the data unless it was copied from here."""
    content = json.dumps([name, number, dict(inputs)], sort_keys=True)
    return Example(f"{name}-{number}-{hashlib.sha256(content.encode()).hexdigest()[:32]}", dict(inputs), "")
