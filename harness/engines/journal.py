"""The response cache: every finished answer, keyed by all that can change it. Resuming is just running again."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import astuple
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Self

from harness.errors import InputError
from harness.types import Answer, Messages, Sampling, Tokens, Usage

# History of the file's layout. 1: answers(key, answer).
VERSION = 1


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
    choices' and the sampling parameters."""
    drawn = astuple(sampling) if sampling else None
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
            db.execute("CREATE TABLE IF NOT EXISTS answers (key TEXT PRIMARY KEY, answer TEXT) WITHOUT ROWID")
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
        return db

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if "_db" in self.__dict__:
            self.__dict__.pop("_db").close()

    def known(self, keys: Iterable[str]) -> set[str]:
        """Those of ``keys`` that are answered. Where there is no journal yet, none is made."""
        if not self.path.exists():
            return set()
        return {key for part in self._parts(keys, "key") for (key,) in part}

    def look_up(self, keys: Iterable[str]) -> Iterator[Answer]:
        """The answers already known, with the usage of when they were computed."""
        for part in self._parts(keys, "key, answer"):
            for key, text in part:
                yield _load(key, text)

    def _parts(self, keys: Iterable[str], columns: str) -> Iterator[list[tuple[str, ...]]]:
        wanted = list(dict.fromkeys(keys))
        for start in range(0, len(wanted), 500):
            part = wanted[start : start + 500]
            marks = ",".join("?" * len(part))
            yield self._db.execute(f"SELECT {columns} FROM answers WHERE key IN ({marks})", part).fetchall()

    def record(self, answer: Answer) -> None:
        """Keep one finished answer, durably."""
        usage = answer.usage
        row = {
            "text": answer.text,
            "finish": answer.finish,
            "logprobs": answer.choice_logprobs,
            "usage": [usage.submitted, usage.computed, usage.generated],
        }
        self._db.execute("INSERT OR REPLACE INTO answers VALUES (?, ?)", (answer.key, json.dumps(row)))


def _load(key: str, text: str) -> Answer:
    row = json.loads(text)
    logprobs = row["logprobs"]
    return Answer(
        key,
        row["text"],
        row["finish"],
        None if logprobs is None else tuple(tuple(choice) for choice in logprobs),
        Usage(*row["usage"]),
    )
