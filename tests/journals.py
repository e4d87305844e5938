"""Journals as no run writes them: with rows of another form, and of the first layout."""

import sqlite3
from contextlib import closing

from harness.engines import layout
from harness.types import Answer, Usage


def key(number):
    """A key as requests have them."""
    return f"{number:064x}"


def answer(number, size=10):
    scores = ((-0.1 * number - 0.5, -1 / (number + 3)), (-2.0,))
    return Answer(key(number), "x" * size, "stop", scores, Usage(number, 4, 1))


def put(path, rows, summed=True):
    """Write ``rows``, a text or bytes by key, past the journal; each under its right sum, or under the one it had."""
    with closing(sqlite3.connect(path)) as db, db:
        for name, text in rows.items():
            raw = text.encode() if isinstance(text, str) else text
            found = layout.checksum("answers", name.encode(), raw)
            db.execute("UPDATE answers SET answer = CAST(? AS TEXT) WHERE key = ?", (raw, name))
            if summed:
                db.execute("UPDATE answers SET sum = CAST(? AS TEXT) WHERE key = ?", (found, name))


def first_layout(path, answers, plans=True):
    """A journal of layout 1 that holds ``answers``."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("CREATE TABLE answers (key TEXT PRIMARY KEY, answer TEXT) WITHOUT ROWID")
        if plans:
            db.execute("CREATE TABLE plans (name TEXT PRIMARY KEY, missing TEXT) WITHOUT ROWID")
        db.execute("PRAGMA user_version=1")
        for each in answers:
            db.execute("INSERT INTO answers VALUES (?, ?)", (each.key, layout.dump(each)))
