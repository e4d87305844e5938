"""A Ray cluster: what replicas it has room for, and the actors on it."""

from __future__ import annotations

import importlib.util
import logging
import os
import signal
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from threading import current_thread, main_thread
from typing import Any
from urllib.parse import urlsplit

from harness.engines.replica import Replica
from harness.errors import InputError, missing_extra
from harness.models.checkpoint import KEPT

# Read by Ray when it starts: nothing is reported to its makers, and a replica without a GPU sees what its machine has.
SETTINGS = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}


@dataclass(frozen=True, slots=True)
class Room:
    """Replicas to start, and what each reserves on its node."""

    replicas: int
    cpus: int
    gpus: int


def room(nodes: Sequence[Mapping[str, float]], replicas: int | None, gpus: int) -> Room:
    """How ``replicas`` (None: as many as fit, or one a node where there are no GPUs) find room on ``nodes``, given by
    their resources. Each takes ``gpus`` GPUs of one node; without any GPU, an equal share of the cores."""
    cards = [int(node.get("GPU", 0)) for node in nodes]
    cores = [int(node.get("CPU", 0)) for node in nodes]
    if any(cards):
        most, each = sum(count // gpus for count in cards), f"takes {gpus} GPU{'s' * (gpus > 1)} of one node"
        wanted = most if replicas is None else replicas
    else:
        most, each = sum(cores), "takes a core at least"
        wanted = sum(count > 0 for count in cores) if replicas is None else replicas
    if not 0 < wanted <= most:
        raise InputError(
            f"--replicas {replicas or 1}: the Ray cluster has room for {most}, because each {each}. Its nodes have "
            f"{', '.join(map(str, cards if any(cards) else cores)) or 'none'}."
        )
    if any(cards):
        return Room(wanted, 1, gpus)
    share = next(n for n in range(max(cores), 0, -1) if sum(count // n for count in cores) >= wanted)
    return Room(wanted, share, 0)


class Cluster:
    """A connection to Ray at ``address``, made when it is first needed: ``auto`` is a running cluster (``RAY_ADDRESS``
    or one started on this machine), else one of this machine alone; ``local`` always the latter. Where the process
    is connected already, that connection is used, and left open.

    Its room belongs to one holder at a time: another that asks for actors makes the first one let go.
    """

    def __init__(self, address: str = "auto", replicas: int | None = None, gpus: int = 1) -> None:
        if importlib.util.find_spec("ray") is None:
            raise missing_extra("ray", "ray", "--ray")
        self.address, self._wanted, self._gpus = address, replicas, gpus
        self._holder: Any = None
        self._connected = False

    @cached_property
    def room(self) -> Room:
        import ray

        self._connect()
        return room([node["Resources"] for node in ray.nodes() if node["Alive"]], self._wanted, self._gpus)

    def _connect(self) -> None:
        for name, value in SETTINGS.items():
            os.environ.setdefault(name, value)
        import ray

        if ray.is_initialized():
            return
        try:
            if self.address not in ("auto", "local"):
                _knock(self.address)
            with _kept(signal.SIGTERM):
                ray.init(
                    None if self.address == "auto" else self.address,
                    include_dashboard=False,
                    logging_level=logging.ERROR,
                    log_to_driver=False,
                )
        except (OSError, ValueError, RuntimeError) as error:
            raise InputError(
                f"--ray {self.address!r}: no Ray cluster to be had there ({str(error).splitlines()[0]}). Start one "
                "with `ray start --head` and give its HOST:PORT, or use --ray local. Ray and Python must have the same "
                "versions here and there; a cluster that wants a token takes it where RAY_AUTH_MODE=token is set."
            ) from None
        self._connected = True

    def hold(self, holder: Any) -> None:
        """Give the room to ``holder``, whose ``release`` is called when another wants it."""
        if self._holder not in (None, holder):
            self._holder.release()
        self._holder = holder

    def start(self, name: str, model: str, options: Mapping[str, Any], home: Path = KEPT) -> Any:
        """A new actor with an engine of its own. It is there at once as a handle; Ray starts it when it finds room."""
        import ray

        threads = None if self.room.gpus else self.room.cpus
        made = ray.remote(Replica).options(
            num_cpus=self.room.cpus, num_gpus=self.room.gpus, max_restarts=0, max_task_retries=0
        )
        return made.remote(name, model, options, os.getcwd(), threads, home)

    def close(self) -> None:
        """End the actors, and the connection if it was made here."""
        import ray

        self.hold(None)
        if self._connected:
            self._connected = False
            ray.shutdown()


@contextmanager
def _kept(number: signal.Signals) -> Iterator[None]:
    """Whatever is done in the block, the signal is handled as before: Ray would end the process its own way."""
    before = signal.getsignal(number)
    try:
        yield
    finally:
        if current_thread() is main_thread():
            signal.signal(number, before)


def _knock(address: str) -> None:
    """Raises OSError or ValueError where nobody listens at HOST:PORT: Ray itself would try for minutes."""
    parts = urlsplit(address if "://" in address else f"//{address}")
    if parts.hostname is None or parts.port is None:
        raise ValueError("that is no HOST:PORT")
    socket.create_connection((parts.hostname, parts.port), timeout=10).close()
