"""The YAML of a task of lm-evaluation-harness, with what it includes. No tag runs anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from harness.bring import foreign
from harness.bring.lm_eval.refusal import Refusal

DEEPEST = 10  # files that include one another
FUNCTION = "!function"


@dataclass(frozen=True, slots=True)
class Function:
    """A function of Python that a field names; ``line`` is where."""

    name: str
    line: int


def load(path: Path, above: tuple[Path, ...] = ()) -> Mapping[str, Any]:
    """The fields of ``path``, those that it includes below its own; of several includes the later outranks.

    Raises Refusal for what is no such YAML, an include that is missing, and one that leads back to itself."""
    own = path.resolve()
    if own in above:
        raise Refusal(str(path), "file", f"it includes itself, by way of {above[-1].name}. Take one include out.")
    if len(above) > DEEPEST:
        raise Refusal(str(path), "file", f"more than {DEEPEST} files include one another.")
    fields = dict(_fields(path))
    named = fields.pop("include", None) or []
    merged: dict[str, Any] = {}
    for name in named if isinstance(named, list) else [named]:
        if not isinstance(name, str):
            raise Refusal(str(path), "file", f"`include` names {name!r}, which is no file.")
        included = path.parent / name
        if not included.is_file():
            raise Refusal(str(path), "file", f"it includes {name!r}, and {included} is not there.")
        merged |= load(included, (*above, own))
    return merged | fields


def _fields(path: Path) -> Mapping[str, Any]:
    try:
        found = foreign.read(path, {FUNCTION: _function})
    except foreign.Unreadable as error:
        raise Refusal(error.where, "file", error.why) from None
    if not isinstance(found, dict) or not all(isinstance(key, str) for key in found):
        raise Refusal(str(path), "file", "it is no mapping of fields such as task, dataset_path, doc_to_text.")
    return found


def _function(loader: Any, node: yaml.Node) -> Function:
    return Function(str(node.value), node.start_mark.line + 1)


def functions(value: Any) -> Function | None:
    """The first function of Python that ``value`` names anywhere."""
    if isinstance(value, Function):
        return value
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return next((found for part in parts if (found := functions(part))), None)
