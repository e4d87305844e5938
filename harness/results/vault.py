"""Trained models and indexes on disk, each under the hash of everything that made it: nothing is made twice."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path, PurePath
from typing import TypeVar

from harness.errors import HarnessError, InputError
from harness.results import checksum, whole
from harness.types import Example, Signature

# History of the layout. 1: a folder a model, its files' checksums in manifest.json.
VERSION = 1
MANIFEST = "manifest.json"
FILLING = ".training-"
RUST = re.compile(r"\bos error \d|\bOs \{ code: \d")  # how what is written in Rust says that the system refused
Made = TypeVar("Made")


class Unkept(HarnessError):
    """What was made cannot be written; its cause says why."""


class Vault:
    """Folders below ``root``. One appears whole or not at all, so a process that is killed while it makes one leaves
    nothing that could be loaded. ``tell`` is called with what could not be kept."""

    def __init__(self, root: Path, tell: Callable[[str], None] = lambda _: None) -> None:
        self.root, self.tell = root, tell

    def key(self, signature: Signature, train: Sequence[Example], dev: Sequence[Example] = ()) -> str:
        """SHA-256 over the signature (with its versions and parameters) and the data, whatever its order."""
        data = [sorted([e.id, sorted(e.inputs.items()), e.target] for e in split) for split in (train, dev)]
        return sha256(json.dumps([VERSION, signature.pairs, data]).encode()).hexdigest()[:32]

    def fetch(self, key: str) -> Path | None:
        """The folder of what was made, its checksums verified; None where there is none.

        Raises InputError where a file is missing, truncated or changed."""
        folder = self.root / key
        if not folder.exists():
            return None
        for name, digest in _listed(folder).items():
            path = folder / name
            if not os.path.isfile(path) or checksum.of_file(path) != digest:
                raise InputError(
                    f"{path} is damaged (the file is missing, truncated or was changed). Delete {folder}: it is made "
                    "anew then."
                )
        return folder

    def store(self, key: str, write: Callable[[Path], None]) -> Path:
        """Let ``write`` fill an empty folder, and keep it under ``key``; where another has kept it meanwhile, that is
        taken. Raises Unkept where it cannot be written; then nothing of it is there."""
        folder = self.root / key
        try:
            with whole.filling(self.root, FILLING) as work:
                write(work)
                files = {str(p.relative_to(work)): checksum.of_file(p) for p in sorted(work.rglob("*")) if p.is_file()}
                text = json.dumps({"version": VERSION, "files": files}, indent=1)
                (work / MANIFEST).write_text(text, encoding="utf-8")
                while not (whole.put(work, folder) or self._holds(key)):
                    whole.clear(folder, FILLING)
        except HarnessError:
            raise
        except Exception as error:  # of any kind: those who write have errors of their own
            if not (isinstance(error, OSError) or RUST.search(str(error))):
                raise
            raise Unkept(f"{folder} cannot be written: {getattr(error, 'strerror', None) or error}.") from error
        return folder

    def keep(self, key: str, write: Callable[[Path], None]) -> bool:
        """``store`` what is in memory, and whether it could be. If not, that is told, and the work goes on with it."""
        try:
            self.store(key, write)
        except Unkept as error:
            self.tell(f"{error} What was made goes on in memory, and will be made again the next time.")
            return False
        return True

    def _holds(self, key: str) -> bool:
        try:
            return self.fetch(key) is not None
        except (InputError, OSError):  # damaged, or taken away by another meanwhile
            return False

    @contextmanager
    def turn(self, key: str) -> Iterator[None]:
        """Hold back other processes that want to make what is kept under ``key``: they find it made."""
        from filelock import FileLock

        self.root.mkdir(parents=True, exist_ok=True)
        with FileLock(self.root / f".{key}.lock"):  # the system opens the lock of a process that is killed
            yield

    def once(
        self,
        signature: Signature,
        make: Callable[[], Made],
        write: Callable[[Made, Path], None],
        read: Callable[[Path], Made],
    ) -> Made:
        """What ``make`` makes, as ``read`` from the folder that ``write`` filled, now or earlier; as it was made, where
        it cannot be kept."""
        key = self.key(signature, ())
        folder = self.fetch(key)
        if folder is None:
            made = make()
            if not self.keep(key, lambda work: write(made, work)):
                return made
        return read(self.root / key)


def pool_hash(pool: Sequence[Example]) -> str:
    """SHA-256 over the ids and texts of ``pool``, in its order: what its indexes are made of."""
    whole = sha256()
    for example in pool:
        whole.update(json.dumps([example.id, example.text]).encode())
    return whole.hexdigest()


def _listed(folder: Path) -> Mapping[str, str]:
    """The files below ``folder`` that its manifest lists, with their checksums."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        manifest = None
    files = manifest.get("files") if isinstance(manifest, dict) and manifest.get("version") == VERSION else None
    if not isinstance(files, dict) or not files or not all(map(_file, files, files.values())):
        raise InputError(f"{folder / MANIFEST}: what it lists is damaged. Delete {folder}: it is made anew then.")
    return files


def _file(name: str, digest: object) -> bool:
    """Whether a manifest may list ``name``: a file below its own folder."""
    path = PurePath(name)
    return bool(path.parts) and not path.is_absolute() and ".." not in path.parts and isinstance(digest, str)
