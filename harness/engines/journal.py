"""The response cache: every finished answer, keyed by all that can change it. Resuming is just running again, and what
was left to do at the first time is kept until it is done, so that the answers come out the same to the bit."""

from __future__ import annotations

import json
import operator
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any, Self

from harness.errors import InputError
from harness.tokens import STOPPING
from harness.types import Answer, Messages, Sampling, Tokens, Usage

# History of the file's layout. 1: answers(key, answer), and plans(name, missing), which is made where it is not there.
VERSION = 1
TABLES = ("answers (key TEXT PRIMARY KEY, answer TEXT)", "plans (name TEXT PRIMARY KEY, missing TEXT)")


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
    """SQLite in WAL mode: what ``record`` returned from survives ``kill -9``."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @cached_property
    def _db(self) -> sqlite3.Connection:
        """Opened at the first use, so that a run that is refused leaves no file behind."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            db = sqlite3.connect(self.path, isolation_level=None, timeout=60)
            db.execute("PRAGMA journal_mode=WAL")
            db.execute("PRAGMA synchronous=NORMAL")
            for table in TABLES:
                db.execute(f"CREATE TABLE IF NOT EXISTS {table} WITHOUT ROWID")
            found = db.execute("PRAGMA user_version").fetchone()[0]
            if found == 0:
                db.execute(f"PRAGMA user_version={VERSION}")
        except (OSError, sqlite3.Error) as error:
            raise InputError(
                f"{self.path}: the response cache cannot be opened there: {error}. Give a folder you can write to "
                "with --results, or delete the file if it is damaged."
            ) from None
        if found not in (0, VERSION):
            raise InputError(f"{self.path}: response cache of layout {found}; this version reads {VERSION}. Delete it.")
        db.text_factory = bytes  # what is damaged may be no text
        return db

    def _execute(self, command: str, values: Sequence[str]) -> list[tuple[Any, ...]]:
        """The rows that ``command`` gives. Raises InputError where the file cannot be read or written."""
        try:
            return self._db.execute(command, values).fetchall()
        except sqlite3.Error as error:
            raise InputError(
                f"{self.path}: the response cache cannot be read or written: {error}. If the disk is full, make room "
                "and run again. If the file is damaged, delete it (its answers are then asked again), or save what can "
                f"be: sqlite3 {self.path} .recover | sqlite3 whole.sqlite, and put that in its place."
            ) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if "_db" in self.__dict__:
            self.__dict__.pop("_db").close()

    def look_up(self, keys: Iterable[str]) -> Iterator[Answer]:
        """The answers already known, with the usage of when they were computed. One whose row is damaged is not. Where
        there is no journal yet, none is made."""
        wanted = list(dict.fromkeys(keys)) if self.path.exists() else []
        for start in range(0, len(wanted), 500):
            part = wanted[start : start + 500]
            marks = ",".join("?" * len(part))
            for key, text in self._execute(f"SELECT key, answer FROM answers WHERE key IN ({marks})", part):
                if isinstance(key, bytes) and (answer := _load(key.decode(), text)):
                    yield answer

    def planned(self, keys: Iterable[str], missing: Collection[str]) -> set[str]:
        """Of ``keys``, those that were ``missing`` when all of them were first asked for together; what is written here
        is kept until they are ``done``."""
        ordered = sorted(set(keys))
        name = _name(ordered)
        marks = "".join("1" if key in missing else "0" for key in ordered)
        self._execute("INSERT OR IGNORE INTO plans VALUES (?, ?)", (name, marks))
        ((found,),) = self._execute("SELECT missing FROM plans WHERE name = ?", (name,))
        first = {key for key, mark in zip(ordered, str(found, errors="replace"), strict=False) if mark == "1"}
        return first.union(missing)

    def done(self, keys: Iterable[str]) -> None:
        """All of ``keys`` are answered, as far as they can be."""
        self._execute("DELETE FROM plans WHERE name = ?", (_name(sorted(set(keys))),))

    def record(self, answer: Answer) -> None:
        """Keep one finished answer, durably."""
        usage = answer.usage
        row = {
            "text": answer.text,
            "finish": answer.finish,
            "logprobs": answer.choice_logprobs,
            "usage": [usage.submitted, usage.computed, usage.generated],
        }
        self._execute("INSERT OR REPLACE INTO answers VALUES (?, ?)", (answer.key, json.dumps(row)))


def _name(ordered: Iterable[str]) -> str:
    return sha256("\n".join(ordered).encode()).hexdigest()


def _load(key: str, text: Any) -> Answer | None:
    """The answer in a row; None where the row is damaged."""
    try:
        row = json.loads(str(text, "ascii"))
        said, finish, logprobs = row["text"], row["finish"], row["logprobs"]
        submitted, computed, generated = (operator.index(count) for count in row["usage"])
        scores = None if logprobs is None else tuple(tuple(map(_number, choice)) for choice in logprobs)
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    if not (isinstance(said, str) and isinstance(finish, str)):
        return None
    return Answer(key, said, finish, scores, Usage(submitted, computed, generated))


def _number(value: object) -> float:
    if not isinstance(value, float):
        raise TypeError(value)
    return value
