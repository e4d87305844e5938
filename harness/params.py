"""What a class may be given by name: its constructor's parameters, with text read as the types they have."""

from __future__ import annotations

import inspect
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from harness.errors import InputError, unknown

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


def dealt(
    given: Mapping[str, str], takers: Mapping[str, Collection[str]], what: str, option: str
) -> dict[str, dict[str, str]]:
    """What is ``given`` for each of the ``takers``, which say what they take: ``epochs`` is for every one that has it,
    ``lora.epochs`` for one. Raises InputError for one that none of them takes."""
    found: dict[str, dict[str, str]] = {name: {} for name in takers}
    for key, value in given.items():
        only, _, param = key.rpartition(".")
        takes = [name for name, known in takers.items() if only in ("", _bare(name)) and param in known]
        if not takes:
            raise unknown(what, key, sorted({each for known in takers.values() for each in known}), option)
        for name in takes:
            found[name][param] = value
    return found


def _bare(name: str) -> str:
    """The name alone, of one that says a model (``lora:MODEL``) or parameters (``lora+rank=4``)."""
    return re.split("[:+]", name, maxsplit=1)[0]


def _kind(parameter: inspect.Parameter) -> Any:
    """The type to read text as; None where text stays text."""
    if parameter.default is None or parameter.default is inspect.Parameter.empty:
        return KINDS.get(str(parameter.annotation).removesuffix(" | None"))
    return None if isinstance(parameter.default, str) else type(parameter.default)
