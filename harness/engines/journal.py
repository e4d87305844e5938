"""The response cache: every finished answer, keyed by all that can change it. Resuming is just running again, and what
was left to do at the first time is kept until it is done, so that the answers come out the same to the bit."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import astuple
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any, Self

from harness.engines import layout, wal
from harness.engines.presence import Presence
from harness.errors import HarnessError
from harness.tokens import STOPPING
from harness.types import Answer, Messages, Sampling, Tokens

Tell = Callable[[str], None]
"""Called with what a person should know, though the work goes on."""


def request_key(
    identity: Mapping[str, str],
    prompt: Tokens,
    choices: tuple[Tokens, ...] | None,
    sampling: Sampling | None,
    content: str | Messages | None = None,
    chat: str = "",
) -> str:
    """SHA-256 over the engine's identity (model, revision, tokenizer, engine version, dtype …), the prompt's token
    ids (its text or messages, where the engine has no tokenizer, and what its chat template is told besides), the
    choices' and the sampling parameters, with what stops do with them."""
    drawn = (STOPPING, *astuple(sampling)) if sampling else None
    told = [content, chat] if chat else content
    whole = json.dumps([sorted(identity.items()), prompt, choices, drawn, told], default=astuple)
    return sha256(whole.encode()).hexdigest()


class Journal:
    """SQLite in WAL mode: what ``record`` returned from survives ``kill -9``. ``damaged`` holds the keys of the answers
    that were found damaged, which are as if they were not there, and are told."""

    def __init__(self, path: Path, tell: Tell = lambda _: None) -> None:
        self.path, self.tell = path, tell
        self.damaged: set[str] = set()
        self._presence = Presence(users(path))

    @cached_property
    def _db(self) -> sqlite3.Connection:
        """Opened at the first use, so that a run that is refused leaves no file behind."""
        try:
            self._presence.begin(self._check)
        except OSError as error:
            raise layout.trouble(self.path, error) from None
        try:
            return layout.connect(self.path)
        except layout.ERRORS as error:
            self._presence.end()
            raise layout.trouble(self.path, error) from None
        except HarnessError:
            self._presence.end()
            raise

    def _check(self) -> None:
        """Raises InputError where answers would be lost with the log."""
        if wal.broken(wal.read(self.path)):
            raise layout.trouble(self.path, sqlite3.DatabaseError(wal.BROKEN))

    def _execute(self, command: str, values: Sequence[str] = ()) -> list[tuple[Any, ...]]:
        """The rows that ``command`` gives. Raises HarnessError where the file cannot be read or written."""
        try:
            return self._db.execute(command, values).fetchall()
        except layout.ERRORS as error:
            raise layout.trouble(self.path, error) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if "_db" in self.__dict__:
            self.release()
            self.__dict__.pop("_db").close()
            self._presence.end()

    def look_up(self, keys: Iterable[str]) -> Iterator[Answer]:
        """The answers already known, with the usage of when they were computed. One whose row is damaged is not. Where
        there is no journal yet, none is made."""
        wanted = list(dict.fromkeys(keys)) if self.path.exists() else []
        before = len(self.damaged)
        for start in range(0, len(wanted), 500):
            part = wanted[start : start + 500]
            asked, marks = set(part), ",".join("?" * len(part))
            for row in self._execute(f"SELECT key, answer, sum FROM answers WHERE key IN ({marks})", part):
                name, answer = _text(row[0]), layout.load(*row)
                if answer and name in asked:
                    yield answer
                else:
                    self.damaged.add(name)
        if found := len(self.damaged) - before:
            self.tell(
                f"{self.path}: answers that are damaged: {found}. They count as not known, and are asked again. "
                f"`harness doctor --results {self.path.parent}` looks over all that is kept."
            )

    def planned(self, keys: Iterable[str], missing: Collection[str]) -> set[str]:
        """Of ``keys``, those that were ``missing`` when all of them were first asked for together; what is written here
        is kept until they are ``done``. Where it is damaged, all of them were, as in most studies."""
        ordered = sorted(set(keys))
        name = _name(ordered)
        marks = "".join("1" if key in missing else "0" for key in ordered)
        row = (name, marks, _summed("plans", name, marks))
        self._execute("INSERT OR IGNORE INTO plans VALUES (?, ?, ?)", row)
        found = self._execute("SELECT name, missing, sum FROM plans WHERE name = ?", (name,))
        if not found or found[0][2] != layout.checksum("plans", *found[0][:2]):
            return set(ordered)
        first = {key for key, mark in zip(ordered, _text(found[0][1]), strict=True) if mark == "1"}
        return first.union(missing)

    def done(self, keys: Iterable[str]) -> None:
        """All of ``keys`` are answered, as far as they can be."""
        self._execute("DELETE FROM plans WHERE name = ?", (_name(sorted(set(keys))),))

    def claim(self, keys: Collection[str]) -> set[str]:
        """Of ``keys``, those that no other living process is asking: it is for this one to ask them, until its
        ``release``. Whoever waits for the others' answers must have released its own, so that no two wait for each
        other."""
        self._execute("BEGIN IMMEDIATE")
        try:
            for (owner,) in self._execute("SELECT DISTINCT CAST(owner AS BLOB) FROM leases"):
                if not self._presence.living(_text(owner)):
                    self._execute("DELETE FROM leases WHERE CAST(owner AS BLOB) IS ?", (owner,))
            for key in keys:
                self._execute("INSERT OR IGNORE INTO leases VALUES (?, ?)", (key, self._presence.name))
            found = self._execute("SELECT key FROM leases WHERE owner = ?", (self._presence.name,))
            self._execute("COMMIT")
        except BaseException:
            with suppress(HarnessError, *layout.ERRORS):
                self._db.execute("ROLLBACK")
            raise
        return {_text(key) for (key,) in found}.intersection(keys)

    def release(self) -> None:
        """Give up all claims. Where that cannot be written, they end with this process."""
        with suppress(HarnessError):
            self._execute("DELETE FROM leases WHERE owner = ?", (self._presence.name,))

    def record(self, answer: Answer) -> None:
        """Keep one finished answer, durably."""
        text = layout.dump(answer)
        row = (answer.key, text, _summed("answers", answer.key, text))
        self._execute("INSERT OR REPLACE INTO answers VALUES (?, ?, ?)", row)


def users(path: Path) -> Path:
    """The folder in which those who use the journal at ``path`` have their marks."""
    return path.with_name(f".{path.stem}")


def _name(ordered: Iterable[str]) -> str:
    return sha256("\n".join(ordered).encode()).hexdigest()


def _summed(table: str, key: str, text: str) -> str:
    return (layout.checksum(table, key.encode(), text.encode()) or b"").decode()


def _text(found: object) -> str:
    """What a damaged file may hold in place of a text, as one."""
    return found.decode(errors="replace") if isinstance(found, bytes) else str(found)
