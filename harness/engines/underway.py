"""How far those are who ask now, as the journal tells: what they have claimed, and what of it is answered."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from harness.engines import layout
from harness.engines.journal import users
from harness.engines.presence import Presence

SQL = """
SELECT owner, count(*), (SELECT count(*) FROM leases mine JOIN answers USING (key) WHERE mine.owner = leases.owner)
FROM leases GROUP BY owner
"""


@dataclass(frozen=True, slots=True)
class Asking:
    """Requests that living processes have claimed, and how many of them are answered."""

    claimed: int
    answered: int


def asking(path: Path) -> Asking | None:
    """What is being asked through the journal at ``path``, which is read only; None where nobody asks, or where it
    cannot be read at the moment. Baselines in training claim nothing."""
    if not path.is_file():
        return None
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path.absolute()))}?mode=ro", uri=True, timeout=0.2)) as db:
            found = db.execute(SQL).fetchall()
        presence = Presence(users(path))
        counts = [(claimed, answered) for owner, claimed, answered in found if presence.living(str(owner))]
    except (*layout.ERRORS, OSError):
        return None
    claimed, answered = (sum(column) for column in zip(*counts, strict=True)) if counts else (0, 0)
    return Asking(claimed, answered) if claimed else None
