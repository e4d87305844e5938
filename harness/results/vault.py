"""Trained models and indexes on disk, each under the hash of everything that made it: nothing is made twice."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path, PurePath
from typing import TypeVar

from harness.errors import InputError
from harness.results import checksum
from harness.types import Example, Signature

# History of the layout. 1: a folder a model, its files' checksums in manifest.json.
VERSION = 1
MANIFEST = "manifest.json"
Made = TypeVar("Made")


class Vault:
    """Folders below ``root``. One appears whole or not at all, so a process that is killed while it makes one leaves
    nothing that could be loaded."""

    def __init__(self, root: Path) -> None:
        self.root = root

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
        """Let ``write`` fill an empty folder, and keep it under ``key``."""
        self.root.mkdir(parents=True, exist_ok=True)
        self._sweep()
        work = Path(tempfile.mkdtemp(prefix=".training-", dir=self.root))
        try:
            write(work)
            files = {str(p.relative_to(work)): checksum.of_file(p) for p in sorted(work.rglob("*")) if p.is_file()}
            (work / MANIFEST).write_text(json.dumps({"version": VERSION, "files": files}, indent=1), encoding="utf-8")
            folder = self.root / key
            shutil.rmtree(folder, ignore_errors=True)
            os.replace(work, folder)
        finally:
            shutil.rmtree(work, ignore_errors=True)
        return folder

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
        """What ``make`` makes, as ``read`` from the folder that ``write`` filled, now or earlier."""
        key = self.key(signature, ())
        folder = self.fetch(key)
        if folder is None:
            made = make()
            folder = self.store(key, lambda work: write(made, work))
        return read(folder)

    def _sweep(self) -> None:
        """Remove what was being written by processes that were killed; an hour is more than any writing takes."""
        for folder in self.root.glob(".training-*"):
            if time.time() - folder.stat().st_mtime > 3600:
                shutil.rmtree(folder, ignore_errors=True)


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
