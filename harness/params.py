"""What a class may be given by name: its constructor's parameters, with text read as the types they have."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

from harness.errors import InputError

KINDS = {"bool": bool, "int": int, "float": float}
FLAGS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def parameters(cls: Any, barred: Sequence[str] = ()) -> Mapping[str, inspect.Parameter]:
    """The parameters of the constructor by name, without those ``barred``."""
    return {key: each for key, each in inspect.signature(cls).parameters.items() if key not in barred}


def read(owner: str, parameter: inspect.Parameter, value: Any) -> Any:
    """``value`` as the type of the parameter's default (where that is None, as its annotation), if it is text.

    Raises InputError, which names the ``owner``, for text that is no such value."""
    kind = _kind(parameter)
    if not isinstance(value, str) or kind is None:
        return value
    try:
        return FLAGS[value.lower()] if kind is bool else kind(value)
    except (ValueError, KeyError):
        raise InputError(
            f"{owner}: {parameter.name}={value!r} is no {kind.__name__}; its default is {parameter.default!r}."
        ) from None


def _kind(parameter: inspect.Parameter) -> Any:
    """The type to read text as; None where text stays text."""
    if parameter.default is None or parameter.default is inspect.Parameter.empty:
        return KINDS.get(str(parameter.annotation).removesuffix(" | None"))
    return None if isinstance(parameter.default, str) else type(parameter.default)
