"""What runs in a Ray actor's process: an engine, and the requests it was handed."""

from __future__ import annotations

import os
import platform
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

from harness.engines import create
from harness.models.checkpoint import KEPT
from harness.types import Answer, Engine, Request

SECONDS = 0.2  # answers known are handed over about this often


@dataclass(frozen=True)
class Description:
    """What a replica says of itself: its engine, and where it runs."""

    identity: Mapping[str, str]
    tokenizer: Any
    max_length: int
    version: str
    host: str
    pid: int


@dataclass(frozen=True)
class Part:
    """Answers known since the last call; ``idle`` where nothing is left to answer."""

    answers: list[Answer]
    idle: bool


class Replica:
    """An engine of its own, made when it is first asked for. Paths are looked up from ``folder``, the driver's, where
    this machine has it. ``threads`` bounds torch's on a machine whose cores are shared (None: left as they are)."""

    def __init__(
        self,
        name: str,
        model: str,
        options: Mapping[str, Any],
        folder: str,
        threads: int | None = None,
        home: Path = KEPT,
    ) -> None:
        self.name, self.model, self.options, self.home = name, model, options, home
        self.folder, self.threads = folder, threads
        self._open: deque[Iterator[Answer]] = deque()

    @cached_property
    def engine(self) -> Engine:
        if os.path.isdir(self.folder):
            os.chdir(self.folder)
        if self.threads is not None:
            import torch

            torch.set_num_threads(self.threads)
        return create(self.name, self.model, self.home, **self.options)

    def describe(self) -> Description:
        made = self.engine
        return Description(
            made.identity,
            made.tokenizer,
            made.max_length,
            version("prompt-harness"),
            platform.node(),
            os.getpid(),
        )

    def work(self, fresh: Sequence[Sequence[Request]], method: str) -> Part:
        """Take on ``fresh`` shards behind those at hand, to ``score`` or to ``generate``, and go on for about
        ``SECONDS``. An error of the engine drops all."""
        self._open.extend(getattr(self.engine, method)(requests) for requests in fresh)
        until, answers = time.monotonic() + SECONDS, []
        try:
            while self._open:
                for answer in self._open[0]:
                    answers.append(answer)
                    if time.monotonic() > until:
                        return Part(answers, idle=False)
                self._open.popleft()
        except BaseException:
            self.drop()
            raise
        return Part(answers, idle=True)

    def drop(self) -> Part:
        """Forget what is unanswered: nobody reads it any more."""
        self._open.clear()
        return Part([], idle=True)
