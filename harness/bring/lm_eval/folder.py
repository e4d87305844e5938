"""Where the tasks of lm-evaluation-harness lie, which file defines which, and of which version they are."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib import metadata, util
from pathlib import Path
from typing import Any

from harness import paths
from harness.bring.foreign import LONGEST
from harness.bring.lm_eval.document import load
from harness.bring.lm_eval.refusal import Refusal
from harness.errors import InputError, unknown

_NAMED = re.compile(r"^[\"']?(task|group)[\"']?:[ \t]*[\"']?([^\"'#\n]+?)[\"']?[ \t]*(?:#.*)?$", re.MULTILINE)
_TAGGED = re.compile(r"^[\"']?tag[\"']?:[ \t]*(.*(?:\n[ \t]*-[ \t].*)*)", re.MULTILINE)
_INCLUDED = re.compile(r"^[\"']?include[\"']?:[ \t]*\[?[\"']?([^\"'#\n\],]+?)[\"']?[ \t]*(?:\]|$)", re.MULTILINE)
_WORD = re.compile(r"[\w.+-]+")
MEMBERS = 2000  # tasks of one group


@dataclass(frozen=True)
class Folder:
    """The tasks below ``path``, by the files' texts; a file is read as YAML when it is asked for."""

    path: Path

    @cached_property
    def _index(self) -> tuple[Mapping[str, Path], Mapping[str, list[str]]]:
        """The files by the names of their task or group, and the names of tasks by tag."""
        named, tagged = dict[str, Path](), dict[str, list[str]]()
        known: dict[Path, list[str]] = {}
        for file in sorted(self.path.rglob("*.yaml")):
            texts = _texts(file, known)
            found = dict[str, str]()
            for key, held in (pair for text in texts for pair in _NAMED.findall(text)):
                found.setdefault(key, held)
            name = found.get("group") or found.get("task")
            if name is None:
                continue
            named.setdefault(name, file)
            tags = next((tags for text in texts if (tags := _TAGGED.findall(text))), [])
            for tag in _WORD.findall(" ".join(tags)):
                tagged.setdefault(tag, []).append(name)
        return named, tagged

    def named(self, name: str) -> list[tuple[Path, Mapping[str, Any]]]:
        """Each task that ``name`` stands for, a task, a group or a tag: its file, and what a group says of it besides.

        Raises InputError for a name that is not there."""
        named, tagged = self._index
        if name in named:
            return list(self.members(named[name]))
        if name in tagged:
            return [each for task in sorted(tagged[name]) for each in self.members(named[task])]
        raise unknown("lm-eval task", name, [*named, *tagged], str(self.path))

    def members(self, file: Path, above: tuple[str, ...] = ()) -> Iterator[tuple[Path, Mapping[str, Any]]]:
        """The tasks that ``file`` defines: its own, or those of its group, however deep."""
        document = load(file)
        listed = document.get("task")
        if not isinstance(listed, list) or "class" in document:
            yield file, {}
            return
        group = str(document.get("group") or file.stem)
        if group in above or len(above) > 20:
            raise Refusal(str(file), "file", f"the group {group!r} is within itself.")
        for member in listed:
            yield from self._member(file, group, member, above)

    def _member(
        self, file: Path, group: str, member: Any, above: tuple[str, ...]
    ) -> Iterator[tuple[Path, Mapping[str, Any]]]:
        named, tagged = self._index
        if isinstance(member, dict) and isinstance(member.get("task"), list):
            for each in member["task"]:
                yield from self._member(file, group, each, above)
            return
        more = dict(member) if isinstance(member, dict) else {}
        name = more.pop("task", more.pop("group", None)) if isinstance(member, dict) else member
        if not isinstance(name, str):
            raise Refusal(str(file), "file", f"the group {group!r} lists {member!r}, which is no task.")
        for task in [name] if name in named else tagged.get(name, ()):
            for found, own in self.members(named[task], (*above, group)):
                yield found, {**own, **more}
        if name not in named and name not in tagged:
            raise Refusal(str(file), "file", str(unknown("task", name, named, f"the group {group!r}")))


def _texts(file: Path, known: dict[Path, list[str]]) -> list[str]:
    """The text of ``file`` and those of the files that it includes, its own first; none of what cannot be read."""
    if file not in known:
        known[file] = []  # where files include one another in a circle
        try:
            text = paths.text(file, LONGEST)
        except (OSError, UnicodeDecodeError):
            return []
        named = (name for name in _INCLUDED.findall(text) if (file.parent / name).is_file())
        known[file] = [text, *(each for name in named for each in _texts(file.parent / name, known))]
    return known[file]


def located(path: Path | None) -> Folder:
    """The folder that was said, else that of the installed package. Raises InputError where there is none."""
    if path is not None:
        if not path.is_dir():
            raise InputError(f"--path {path}: no such folder. Name the one that holds lm_eval's tasks.")
        inner = path / "lm_eval" / "tasks"
        return Folder(inner if inner.is_dir() else path)
    found = util.find_spec("lm_eval")
    if found is None or found.origin is None:
        raise InputError(
            "lm_eval is not installed here, so name the folder of its tasks (--path lm_eval/tasks of its repository), "
            "or a file."
        )
    return Folder(Path(found.origin).parent / "tasks")


def version(path: Path) -> str:
    """What lm_eval the file or folder ``path`` belongs to: the commit of a checkout, the version of a package, or that
    it is not known."""
    for folder in (path, *path.resolve().parents):
        if (folder / ".git").exists() and (commit := _commit(folder / ".git")):
            return f"lm-evaluation-harness, commit {commit}"
        for info in sorted(folder.glob("lm_eval-*.dist-info")):
            return f"lm-evaluation-harness {info.name.removeprefix('lm_eval-').removesuffix('.dist-info')}"
    try:
        spec = util.find_spec("lm_eval")
        if spec and spec.origin and Path(spec.origin).parent in path.resolve().parents:
            return f"lm-evaluation-harness {metadata.version('lm_eval')}"
    except metadata.PackageNotFoundError:
        pass
    return "lm-evaluation-harness, version not known"


def _commit(git: Path) -> str:
    """The commit that a checkout stands at; empty where it cannot be told."""
    try:
        head = paths.text(git / "HEAD", 1000).strip()
        if not head.startswith("ref: "):
            return head[:40] if re.fullmatch(r"[0-9a-f]{40}", head) else ""
        name = head.removeprefix("ref: ")
        loose = git / name
        if loose.is_file():
            return paths.text(loose, 1000).strip()[:40]
        packed = paths.text(git / "packed-refs", 1 << 22)
    except (OSError, UnicodeDecodeError):
        return ""
    return next((line[:40] for line in packed.splitlines() if line.endswith(f" {name}")), "")
