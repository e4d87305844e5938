"""The page's modules put together into one script, in the order in which they need each other."""

from __future__ import annotations

import re
from collections.abc import Mapping

from harness.errors import HarnessError

ENTRY = "start.js"
_IMPORT = re.compile(r'import \{ ([\w$]+(?:, [\w$]+)*),? \} from "\./([\w-]+\.js)";\n?')
_EXPORT = re.compile(r"export (?=(?:async function|function|class|const|let) )")
_NAMED = re.compile(r"(?:async function|function|class|const|let)\*? ([\w$]+)")
_TOP = re.compile(r"^(?:export )?(?:async function|function|class|const|let)\*? ([\w$]+)", re.MULTILINE)


def joined(modules: Mapping[str, str], entry: str = ENTRY) -> str:
    """One script of all that ``entry`` imports, each module once and after those that it imports.

    Modules import by lines of their own, ``import { a, b } from "./x.js";``, and export declarations where these stand.
    Raises HarnessError for anything else, for what is not there, and where two modules have a name in common: in one
    script they would be one."""
    placed: dict[str, str] = {}
    exported: dict[str, set[str]] = {}
    owners: dict[str, str] = {}

    def place(name: str, path: tuple[str, ...]) -> None:
        if name in path:
            raise _fault(name, f"imports itself by way of {' and '.join(path[path.index(name) :])}")
        if name in placed:
            return
        if name not in modules:
            raise _fault(path[-1] if path else name, f"imports {name!r}, which is not there")
        kept = []
        for line in modules[name].splitlines(keepends=True):
            if not re.match(r"import\b", line):
                kept.append(line)
                continue
            found = _IMPORT.fullmatch(line)
            if not found:
                raise _fault(name, f"imports otherwise than by a line of names: {line.strip()}")
            place(found[2], (*path, name))
            if missing := set(found[1].split(", ")) - exported[found[2]]:
                raise _fault(name, f"imports {min(missing)!r}, which {found[2]} does not export")
        body = "".join(kept)
        for each in _TOP.findall(body):
            if each in owners:
                raise _fault(name, f"has the name {each!r}, as {owners[each]} has")
            owners[each] = name
        exported[name], placed[name] = _exports(name, body)

    place(entry, ())
    return "\n".join(f"// {name}\n{text.strip()}\n" for name, text in placed.items())


def _exports(name: str, body: str) -> tuple[set[str], str]:
    """What a module exports, and its text without saying so."""
    names, lines = set(), []
    for line in body.splitlines(keepends=True):
        start = 0
        if re.match(r"export\b", line):
            found = _EXPORT.match(line)
            said = _NAMED.match(line, found.end()) if found else None
            if not found or not said:
                raise _fault(name, f"exports otherwise than before a declaration: {line.strip()}")
            names.add(said[1])
            start = found.end()
        lines.append(line[start:])
    return names, "".join(lines)


def _fault(name: str, what: str) -> HarnessError:
    return HarnessError(f"page module {name}: it {what}. Mend it, or install the package again.")
