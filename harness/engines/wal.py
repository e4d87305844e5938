"""The log beside a journal, in which SQLite writes first (https://www.sqlite.org/fileformat2.html#walformat). A process
that is killed leaves it, and whoever comes next reads it up to its first damage and writes over the rest."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

BROKEN = "its log is damaged, and more was written behind that"
HEADER, FRAME = 32, 24  # bytes before all frames, and before the page of each


def read(path: Path) -> bytes:
    """The log of the journal at ``path``; nothing where there is none."""
    try:
        return path.with_name(f"{path.name}-wal").read_bytes()
    except FileNotFoundError:
        return b""


def frames(log: bytes, size: int) -> Iterator[bytes]:
    """The whole frames, each a header and a page of ``size`` bytes."""
    step = FRAME + size
    return (log[at : at + step] for at in range(HEADER, len(log) - step + 1, step))


def broken(log: bytes) -> bool:
    """Whether something was committed behind a damage, so that it would be lost in silence. A kill while a frame is
    written breaks the last one only."""
    if len(log) <= HEADER:
        return False
    magic, _, size = struct.unpack(">III", log[:12])
    order, salts = ">" if magic & 1 else "<", log[16:24]
    running = _sum(order, log[:24], (0, 0))
    if struct.pack(">II", *running) != log[24:32]:
        return True
    whole = True
    for frame in frames(log, size):
        if not whole and frame[8:16] == salts and any(frame[4:8]):
            return True
        if whole:
            running = _sum(order, frame[:8] + frame[FRAME:], running)
            whole = frame[8:16] == salts and struct.pack(">II", *running) == frame[16:24]
    return False


def _sum(order: str, data: bytes, running: tuple[int, int]) -> tuple[int, int]:
    """SQLite's checksum of the log, which goes on from frame to frame."""
    one, two = running
    for a, b in struct.iter_unpack(f"{order}II", data):
        one = (one + a + two) & 0xFFFFFFFF
        two = (two + b + one) & 0xFFFFFFFF
    return one, two
