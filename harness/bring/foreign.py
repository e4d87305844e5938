"""YAML of other programs: bounded, without aliases, and with no tag but those that are known to say what is data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

from harness import paths
from harness.errors import InputError

LONGEST = 1 << 21  # bytes of a file
MOST = 100_000  # words, lists and mappings in a file
Made = Callable[[Any, yaml.Node], Any]
_PLAIN = "tag:yaml.org,2002:"
_BASE: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Unreadable(InputError):
    """A file that is no such YAML: ``where`` it stands, and ``why``."""

    def __init__(self, where: str, why: str) -> None:
        super().__init__(f"{where}: {why}")
        self.where, self.why = where, why


def read(path: Path, tags: Mapping[str, Made] | None = None) -> Any:
    """What the document in ``path`` says; ``tags`` make what stands behind a tag. Raises Unreadable."""
    try:
        return parse(paths.text(path, LONGEST), str(path), tags)
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or error
        raise Unreadable(str(path), f"it cannot be read as text in UTF-8: {why}.") from None


def parse(text: str, where: str, tags: Mapping[str, Made] | None = None) -> Any:
    """What the document ``text`` says. Raises Unreadable."""
    known = dict(tags or {})
    try:
        _check(text, where, known)
        return yaml.load(text, Loader=_loader(known))
    except yaml.YAMLError as error:
        line = getattr(getattr(error, "problem_mark", None), "line", 0) + 1
        problem = getattr(error, "problem", None) or str(error).partition("\n")[0]
        raise Unreadable(f"{where}, line {line}", f"it is not valid YAML: {problem}.") from None
    except (ValueError, RecursionError, TypeError) as error:  # such as a date that is none
        raise Unreadable(where, f"it is not valid YAML: {error}.") from None


def _loader(tags: Mapping[str, Made]) -> Any:
    class Loader(_BASE):  # type: ignore[misc]
        """One of its own: what is added to a loader's class stays there."""

    for tag, made in tags.items():
        Loader.add_constructor(tag, made)
    return Loader


def _check(text: str, where: str, tags: Mapping[str, Made]) -> None:
    """Raises Unreadable for aliases, of which a few can stand for more than memory holds, and for tags not known."""
    for count, event in enumerate(yaml.parse(text, Loader=_BASE), 1):
        tag = getattr(event, "tag", None)
        at = f"{where}, line {event.start_mark.line + 1 if event.start_mark else 1}"
        if isinstance(event, yaml.AliasEvent):
            raise Unreadable(at, "aliases (*name) are not read. Write out what they stand for.")
        if tag and tag not in tags and not tag.startswith(_PLAIN):
            raise Unreadable(at, f"the tag {tag!r} is not read.")
        if count > MOST:
            raise Unreadable(at, f"it has more than {MOST:,} words, lists and mappings.")
