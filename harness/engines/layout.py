"""The journal's file: its tables, what each row is under, and what is wrong where it cannot be used."""

from __future__ import annotations

import json
import operator
import sqlite3
from errno import EDQUOT, ENOSPC
from hashlib import sha256
from pathlib import Path
from typing import Any

from harness.errors import HarnessError, InputError
from harness.types import Answer, Usage

# History of the file's layout. 1: answers(key, answer), and plans(name, missing), which is made where it is not there.
# 2: each row has a sum over its table, key and text; leases(key, owner). Layout 1 becomes 2 when it is opened, if
# SQLite finds it whole: its answers were paid for, and each gets the sum of what is read then.
VERSION = 2
KEPT = {"answers": ("key", "answer"), "plans": ("name", "missing")}
TABLES = (
    *(f"{table} ({key} TEXT PRIMARY KEY, {text} TEXT, sum TEXT)" for table, (key, text) in KEPT.items()),
    "leases (key TEXT PRIMARY KEY, owner TEXT)",
)
# What sqlite3 raises, its own errors apart, for bytes that are no text and for sizes that are none.
ERRORS = (sqlite3.Error, UnicodeDecodeError, MemoryError, OverflowError)
ROOM = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)
HELD = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
BARRED = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH)


def checksum(table: str, key: Any, text: Any) -> bytes | None:
    """What a row of ``table`` is under, of its key and text in bytes; None for what is no text."""
    if not (isinstance(key, bytes) and isinstance(text, bytes)):
        return None
    return sha256(b"\n".join((table.encode(), key, text))).hexdigest()[:32].encode()


def connect(path: Path) -> sqlite3.Connection:
    """The file at ``path``, made where there is none. Texts are read as bytes: what is damaged may be no text. Raises
    one of ``ERRORS`` where it is damaged, InputError where it is of a layout that is not known."""
    db = sqlite3.connect(path, isolation_level=None, timeout=60)
    try:
        db.text_factory = bytes
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=NORMAL")
        if _version(db) != VERSION:
            _lay_out(db, path)
        for table, names in KEPT.items():
            db.execute(f"SELECT {', '.join(names)}, sum FROM {table} LIMIT 0")
    except BaseException:
        db.close()
        raise
    return db


def _version(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def _lay_out(db: sqlite3.Connection, path: Path) -> None:
    """Make the tables, or bring those of layout 1 to the present one: all of it or nothing, and by one process."""
    db.execute("BEGIN IMMEDIATE")
    found = _version(db)
    if found > VERSION or found < 0:
        raise InputError(
            f"{path}: response cache of layout {found}; this version reads {VERSION}. Use the version that made it, or "
            f"another folder with --results. If it is damaged: {doctor(path)}"
        )
    if found == 1:
        if db.execute("PRAGMA quick_check(1)").fetchall() != [(b"ok",)]:
            raise sqlite3.DatabaseError("database disk image is malformed")
        db.create_function("checksum", 3, checksum, deterministic=True)
        db.execute("CREATE TABLE IF NOT EXISTS plans (name TEXT PRIMARY KEY, missing TEXT) WITHOUT ROWID")
        for table, (key, text) in KEPT.items():
            db.execute(f"ALTER TABLE {table} ADD COLUMN sum TEXT")
            blobs = f"CAST({key} AS BLOB), CAST({text} AS BLOB)"
            db.execute(f"UPDATE {table} SET sum = CAST(checksum('{table}', {blobs}) AS TEXT)")
    for table in TABLES:
        db.execute(f"CREATE TABLE IF NOT EXISTS {table} WITHOUT ROWID")
    db.execute(f"PRAGMA user_version={VERSION}")
    db.execute("COMMIT")


def doctor(path: Path) -> str:
    """The command that recovers what can be read of the file."""
    return (
        f"`harness doctor --mend --results {path.parent}` recovers the answers that can be read and keeps the old file."
    )


def trouble(path: Path, error: BaseException) -> HarnessError:
    """The error for a file that cannot be used: one of ``ERRORS``, or an OSError."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    what = f"{path}: the response cache cannot be "
    if code in ROOM or (isinstance(error, OSError) and error.errno in (ENOSPC, EDQUOT)):
        return HarnessError(
            f"{what}read or written: {error}. The answers that it holds are kept. If the disk is full, make room and "
            f"run again: it goes on from there. If the file is damaged: {doctor(path)}"
        )
    if code in HELD:
        return HarnessError(
            f"{what}written: {error}: another process has held it for a minute. Wait until that is done, or end it, "
            "and run again."
        )
    if code in BARRED or isinstance(error, OSError):
        return InputError(
            f"{what}opened there: {error}. Make it writable and run again: the answers that it holds are kept. Or give "
            "a folder you can write to with --results."
        )
    return InputError(f"{what}read: {error}. It is damaged. {doctor(path)}")


def dump(answer: Answer) -> str:
    """An answer as its row's text."""
    usage = answer.usage
    row: dict[str, Any] = {
        "text": answer.text,
        "finish": answer.finish,
        "logprobs": answer.choice_logprobs,
        "usage": [usage.submitted, usage.computed, usage.generated],
    }
    if answer.seconds is not None:
        row["seconds"] = answer.seconds
    return json.dumps(row)


def load(key: Any, text: Any, found: Any) -> Answer | None:
    """The answer in a row of key, text and checksum; None where the row is damaged."""
    if found is None or checksum("answers", key, text) != found:
        return None
    try:
        row = json.loads(str(text, "ascii"))
        said, finish, logprobs = row["text"], row["finish"], row["logprobs"]
        submitted, computed, generated = (operator.index(count) for count in row["usage"])
        scores = None if logprobs is None else tuple(tuple(map(_number, choice)) for choice in logprobs)
        seconds = None if row.get("seconds") is None else _number(row["seconds"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    if not (isinstance(said, str) and isinstance(finish, str)):
        return None
    usage = Usage(submitted, computed, generated)
    return Answer(str(key, "ascii", "replace"), said, finish, scores, usage, seconds=seconds)


def _number(value: object) -> float:
    if not isinstance(value, float):
        raise TypeError(value)
    return value
