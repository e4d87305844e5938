"""What is kept below a results folder, looked over: the journal, sealed runs, trained models and indexes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from harness.engines import presence, salvage
from harness.engines.journal import users
from harness.errors import HarnessError, InputError
from harness.results import document, store
from harness.results.vault import Vault

DAMAGED = "damaged"  # the folder in which what is damaged is kept, under the path it had


@dataclass(frozen=True, slots=True)
class Finding:
    """What is at ``path``: ``what`` it holds, what is ``wrong`` with it (empty where it is whole) and how that was
    ``mended`` (empty where it was not)."""

    path: Path
    what: str
    wrong: str = ""
    mended: str = ""


def checkup(root: Path, mend: bool = False) -> Iterator[Finding]:
    """All that is kept below ``root``. With ``mend``, the readable answers of a damaged journal go into a whole one,
    and whatever is damaged is set aside, so that a run makes it anew; nothing is deleted. Raises InputError where there
    is no such folder, HarnessError where a damaged journal is in use."""
    if not root.is_dir():
        raise InputError(f"{root}: no such folder. Name the one that holds results with --results.")
    if (root / "journal.sqlite").exists():
        yield _journal(root, mend)
    for folder in _folders(root):
        try:
            run = store.load(folder)
        except InputError as error:
            yield Finding(folder, "run", str(error), _set_aside(root, folder) if mend else "")
        else:
            yield Finding(folder, f"run of {len(run.examples)} items")
    for name, what in (("models", "model"), ("indexes", "index")):
        vault = Vault(root / name)
        for folder in sorted(path for path in vault.root.glob("[!.]*") if path.is_dir()):
            try:
                vault.fetch(folder.name)
            except InputError as error:
                yield Finding(folder, what, str(error), _set_aside(root, folder) if mend else "")
            else:
                yield Finding(folder, what)


def _journal(root: Path, mend: bool) -> Finding:
    path = root / "journal.sqlite"
    found = salvage.examine(path)
    wrong = "; ".join(
        filter(
            None,
            (
                " ".join(found.wrong.split()),
                f"damaged rows: {found.damaged}" if found.damaged else "",
                f"answers out of SQLite's reach: {found.hidden}" if found.hidden else "",
            ),
        )
    )
    if not (wrong and mend):
        return Finding(path, f"journal with {found.whole} answers", wrong)
    with presence.alone(users(path)) as nobody:
        if not nobody:
            raise HarnessError(f"{path}: a process is using it. Wait until that is done, or end it, and mend then.")
        kept = _free(root, path)
        answers = salvage.mend(path, kept)
    return Finding(path, "journal", wrong, f"{answers} answers recovered; the damaged one is now {kept}")


def _folders(root: Path) -> list[Path]:
    """The folders of sealed runs, whatever is missing in them."""
    found = {path.parent for name in (document.FILE, document.ROWS) for path in root.glob(f"[!.]*/[!.]*/{name}")}
    return sorted(found)


def _set_aside(root: Path, path: Path) -> str:
    kept = _free(root, path)
    kept.parent.mkdir(parents=True, exist_ok=True)
    path.rename(kept)
    return f"it is now {kept}; a run makes it anew"


def _free(root: Path, path: Path) -> Path:
    """Where to keep what is at ``path``: under the path it has, numbered where that is taken."""
    wanted = root / DAMAGED / path.relative_to(root)
    names = (wanted.with_name(f"{wanted.name}{f'-{n}' if n > 1 else ''}") for n in count(1))
    return next(name for name in names if not name.exists())
