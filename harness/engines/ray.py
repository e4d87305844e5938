"""Ray: a study spread over a cluster, each replica an engine of its own, lost workers' requests given to others."""

from __future__ import annotations

from collections import deque
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

from harness.engines import trie
from harness.engines.cluster import Cluster
from harness.engines.replica import Description, Part
from harness.engines.shards import Lanes, Shard, shards
from harness.errors import HarnessError, InputError
from harness.models.checkpoint import KEPT
from harness.types import Answer, Request

IN_FLIGHT = 2  # shards a replica holds, so that it needs not wait for the next
DEATHS = 3  # workers that a shard, or a start, may cost
PATIENCE = 600  # seconds to wait for a first replica
NEEDS = "Every node of the Ray cluster needs the same prompt-harness, and what the engine needs, installed."


@dataclass(eq=False)
class _Worker:
    """An actor as the driver sees it. ``call`` is the one call whose result is awaited, ``shards`` what the actor
    has taken on, ``description`` what it said of itself once it was up."""

    actor: Any
    call: Any
    description: Description | None = None
    shards: deque[Shard] = field(default_factory=deque)

    def answered(self, part: Part) -> Iterator[Answer]:
        """The answers of ``part`` that are waited for. What an engine left out when it was done never comes."""
        for answer in part.answers:
            if any(shard.requests.pop(answer.key, None) for shard in self.shards):
                yield answer
        self.shards = deque(shard for shard in self.shards if shard.requests and not part.idle)


class Ray:
    """Engines of one kind side by side on a Ray cluster. Scores and generates as one of them does.

    Requests are ordered by prefix and cut into shards along prefix subtrees; neighbouring shards go to the same
    replica, whose caches stay warm. Answers are taken as they are known. What a worker that dies leaves unanswered
    goes to another, and a new one is started in its place. ``options`` go to the engine ``name``.
    """

    def __init__(self, name: str, model: str, options: Mapping[str, Any], cluster: Cluster, home: Path = KEPT) -> None:
        self.name, self.model, self.options, self.cluster, self.home = name, model, options, cluster, home
        self._workers: list[_Worker] = []
        self._failed = 0  # starts in a row

    @cached_property
    def _description(self) -> Description:
        """What the first replica to be up says of its engine: the driver may have no GPU, and none of its packages."""
        self._muster()
        while True:
            for worker in self._workers:
                if worker.description is not None:
                    return worker.description
            self._next()

    @property
    def identity(self) -> Mapping[str, str]:
        return self._description.identity

    @property
    def tokenizer(self) -> Any:
        return self._description.tokenizer

    @property
    def max_length(self) -> int:
        """Tokens of prompt and answer together that the model takes."""
        return self._description.max_length

    def score(self, requests: Iterable[Request], known: Container[str] = ()) -> Iterator[Answer]:
        """Natural-log probabilities of every choice's tokens, as the replicas find them."""
        return self._spread(trie.order(requests, known), "score")

    def generate(self, requests: Iterable[Request], known: Container[str] = ()) -> Iterator[Answer]:
        """Text for each request, as the replicas find it."""
        return self._spread(trie.order(requests, known), "generate")

    def close(self) -> None:
        """End the replicas, and the connection to the cluster if it was made for them."""
        self.cluster.close()

    def release(self) -> None:
        """End the replicas, so that others find room; they start again when they are needed."""
        import ray

        while self._workers:
            ray.kill(self._workers.pop().actor)

    def _spread(self, ordered: Sequence[Request], method: str) -> Iterator[Answer]:
        if not ordered:
            return
        _ = self._description
        self._muster()
        lanes = Lanes(shards(ordered, len(self._workers)), len(self._workers))
        try:
            for place in range(len(self._workers)):
                self._feed(place, lanes, method)
            while lanes or any(worker.shards for worker in self._workers):
                place, worker, part = self._next()
                if part is not None:
                    yield from worker.answered(part)
                if worker is not self._workers[place]:
                    self._give_back(worker, place, lanes)
                self._feed(place, lanes, method)
        finally:
            self._drop()

    def _muster(self) -> None:
        """As many workers as the cluster has room for, each up or starting."""
        self.cluster.hold(self)
        while len(self._workers) < self.cluster.room.replicas:
            self._workers.append(self._started())

    def _started(self) -> _Worker:
        actor = self.cluster.start(self.name, self.model, self.options, self.home)
        return _Worker(actor, actor.describe.remote())

    def _feed(self, place: int, lanes: Lanes, method: str) -> None:
        """Hand the worker at ``place`` what it has room for, if it is up and not busy."""
        worker = self._workers[place]
        if worker.description is None or worker.call is not None:
            return
        fresh: list[Sequence[Request]] = []
        while len(worker.shards) < IN_FLIGHT and (shard := lanes.take(place)):
            worker.shards.append(shard)
            fresh.append(list(shard.requests.values()))
        if worker.shards:
            worker.call = worker.actor.work.remote(fresh, method)

    def _next(self) -> tuple[int, _Worker, Part | None]:
        """Wait for one worker's call: its place, the worker and what it answered. One that came up is checked, one that
        died is replaced. The engine's own errors come as they are."""
        import ray
        from ray.exceptions import RayError, RayTaskError

        place = self._wait()
        worker = self._workers[place]
        try:
            found: Part | Description = ray.get(worker.call)
        except RayTaskError as error:
            worker.call = None
            cause = error.cause
            raise (cause if isinstance(cause, HarnessError) else HarnessError(f"a replica failed: {cause!r}")) from None
        except RayError as error:
            self._replace(place, error)
            return place, worker, None
        worker.call = None
        if isinstance(found, Part):
            return place, worker, found
        self._check(found)
        self._failed, worker.description = 0, found
        return place, worker, None

    def _wait(self) -> int:
        """The place of a worker whose call is done. Raises HarnessError where none comes up."""
        import ray

        calls = {worker.call: place for place, worker in enumerate(self._workers) if worker.call is not None}
        while True:
            done, _ = ray.wait(list(calls), timeout=PATIENCE)
            if done:
                return calls[done[0]]
            if not any(worker.description for worker in self._workers):
                room = self.cluster.room
                raise HarnessError(
                    f"no replica could start within {PATIENCE} s: each needs {room.cpus} CPUs and {room.gpus} GPUs of "
                    "the Ray cluster, which something else may hold. `ray status` shows it."
                )

    def _replace(self, place: int, error: Exception) -> None:
        """Start a worker in place of one that died. Raises HarnessError where that happens again and again before one
        is up."""
        import ray

        worker = self._workers[place]
        if worker.description is None:
            self._failed += 1
            if self._failed == DEATHS:
                raise HarnessError(
                    f"replicas of {self.name!r} on {self.model!r} die while they start. {NEEDS} "
                    f"Ray says: {_last(error)}"
                )
        ray.kill(worker.actor)  # in case it is only out of reach
        self._workers[place] = self._started()

    def _check(self, found: Description) -> None:
        """Raises an error for a replica that would answer differently from what this process records."""
        here = version("prompt-harness")
        if found.version != here:
            raise InputError(f"{found.host} has prompt-harness {found.version}, this machine {here}. {NEEDS}")
        first = self.__dict__.get("_description", found)
        for key in first.identity:
            one, two = first.identity[key], found.identity.get(key)
            if one != two:
                raise HarnessError(
                    f"the replicas differ, so their answers cannot stand in one run: {key} is {one!r} on {first.host}, "
                    f"{two!r} on {found.host}."
                )

    def _give_back(self, worker: _Worker, place: int, lanes: Lanes) -> None:
        """Put what a dead worker left unanswered in the lanes again. Raises HarnessError for a shard that kills."""
        for shard in list(worker.shards)[:1]:  # the one it was at
            shard.deaths += 1
            if shard.deaths == DEATHS:
                where = worker.description.host if worker.description else "unknown"
                raise HarnessError(
                    f"{DEATHS} replicas died over the same requests, the first being {next(iter(shard.requests))}, the "
                    f"last on {where}. Out of memory? `ray logs` and the node's own log tell. All other answers "
                    "are kept; run again to go on."
                )
        while worker.shards:
            lanes.put_back(place, worker.shards.pop())

    def _drop(self) -> None:
        """Where the reader stopped early or an error came, nobody waits for what the workers still have."""
        for worker in self._workers:
            if worker.shards:
                worker.shards.clear()
                worker.call = worker.actor.drop.remote()


def _last(error: Exception) -> str:
    """The last line of an error's text: of a remote traceback, the cause."""
    return str(error).strip().splitlines()[-1]


def replicate(
    name: str,
    models: Sequence[str],
    options: Mapping[str, Any],
    address: str = "auto",
    replicas: int | None = None,
    home: Path = KEPT,
) -> list[Ray]:
    """An engine ``name`` for each of ``models``, each spread over the Ray cluster at ``address``; they take turns in
    its room. A replica takes the GPUs that its tensor and pipeline parallel sizes multiply to."""
    gpus = int(options.get("tensor_parallel_size") or 1) * int(options.get("pipeline_parallel_size") or 1)
    cluster = Cluster(address, replicas, gpus)
    return [Ray(name, model, options, cluster, home) for model in models]
