"""YAML whose words stay as they are written: ``yes``, ``01`` and ``2024-01-01`` are text, as a label has to be.

Fields that want a number or a truth value read it from the text themselves; ``typed`` is for those that take anything.
Anchors, aliases and tags are refused: no definition needs them, and aliases can stand for more than memory holds.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from harness import paths
from harness.errors import InputError

LONGEST = 1 << 19  # bytes of a definition
DEEPEST = 50  # levels
MOST = 20_000  # words, lists and mappings in one document
NULLS = ("", "~", "null", "Null", "NULL")


class Plain(str):
    """A word written without quotes."""

    __slots__ = ()


def compose(text: str) -> yaml.Node | None:
    """The nodes of the one document in ``text``. Raises yaml.YAMLError, also for more than a definition
    says."""
    if len(text) > LONGEST:
        raise yaml.MarkedYAMLError(problem=f"longer than {LONGEST:,} characters")
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
    finally:
        loader.dispose()
    assert node is None or isinstance(node, yaml.Node)
    return node


def build(node: yaml.Node | None) -> Any:
    """``node`` as mappings, lists and texts; None for an empty document."""
    if isinstance(node, yaml.MappingNode):
        made: dict[str, Any] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise _refused("a key must be a word", key)
            if key.value in made:
                raise _refused(f"the key {key.value!r} stands twice", key)
            made[str(key.value)] = build(value)
        return made
    if isinstance(node, yaml.SequenceNode):
        return [build(item) for item in node.value]
    if isinstance(node, yaml.ScalarNode):
        return Plain(node.value) if node.style is None else str(node.value)
    return None


def load(text: str) -> Any:
    """What the document in ``text`` says. Raises yaml.YAMLError."""
    return build(compose(text))


def document(path: Path) -> tuple[yaml.Node | None, Any]:
    """The nodes of the file ``path``, which tell lines, and what they say. Raises InputError where it cannot be read,
    or is no YAML."""
    try:
        root = compose(paths.text(path, LONGEST))
        return root, build(root)
    except yaml.YAMLError as error:
        line = getattr(getattr(error, "problem_mark", None), "line", 0) + 1
        raise InputError(f"{path}, line {line}: not valid YAML: {getattr(error, 'problem', error)}.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"{path}: cannot be read as text in UTF-8: {getattr(error, 'strerror', None) or error}."
        ) from None


def null(value: object) -> bool:
    """Whether ``value`` is nothing: left out, ``~`` or ``null``, without quotes."""
    return value is None or (isinstance(value, Plain) and value in NULLS)


def nulls(fields: Any) -> Any:
    """``fields`` of a model with None where nothing is given: a validator for models that have optional fields."""
    return {k: None if null(v) else v for k, v in fields.items()} if isinstance(fields, dict) else fields


def typed(value: Any) -> Any:
    """``value`` with numbers, truth values and null as JSON has them, where they stand without quotes."""
    if isinstance(value, dict):
        return {key: typed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [typed(item) for item in value]
    if null(value):
        return None
    if not isinstance(value, Plain):
        return value
    try:
        return json.loads(value, parse_constant=_no_number)
    except ValueError:
        return str(value)


def _no_number(text: str) -> None:
    raise ValueError(text)


class _Loader(yaml.SafeLoader):
    nodes = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise _refused("anchors and aliases are not read; put text that begins with & or * in quotes", event)
        if getattr(event, "tag", None):
            raise _refused("tags are not read; put text that begins with ! in quotes", event)
        if len(self.states) > DEEPEST:
            raise _refused("nested too deep", event)
        self.nodes += 1
        if self.nodes > MOST:
            raise _refused(f"more than {MOST:,} words, lists and mappings", event)
        return super().compose_node(parent, index)


def _refused(problem: str, node: Any) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark)
