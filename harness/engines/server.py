"""The HTTP side of a server: several requests at once, at the rate it allows, and patience with what passes."""

from __future__ import annotations

import asyncio
import os
import random
import re
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from queue import SimpleQueue
from threading import Thread
from typing import Any, TypeVar

from harness.errors import HarnessError, InputError

PASSING = (408, 409, 425, 429)  # with 5xx: what another attempt may mend
LONGEST = 60.0  # seconds between attempts, where the server does not say
PATIENCE = 600.0  # seconds that a server may ask to be left alone
GRACE = 5.0  # seconds that answers on their way have after another request failed
SHOWN = 300  # characters of a server's message

Item = TypeVar("Item")
Found = TypeVar("Found")


class Refused(InputError):
    """A request that the server will not take, or not as meant, however often it is sent; ``status`` is HTTP's."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Manners:
    """How a server is treated. ``backoff``: seconds that the first new attempt waits at most, each later one up to
    twice as long; ``timeout``: seconds without a sign before an attempt counts as failed; a rate of 0 is none."""

    concurrency: int = 16
    retries: int = 6
    timeout: float = 300.0
    backoff: float = 0.5
    requests_per_minute: int = 0
    tokens_per_minute: int = 0

    def __post_init__(self) -> None:
        if self.concurrency < 1 or self.timeout <= 0:
            raise InputError("concurrency must be at least 1, and timeout more than 0 seconds.")
        if min(self.retries, self.backoff, self.requests_per_minute, self.tokens_per_minute) < 0:
            raise InputError("retries, backoff, requests_per_minute and tokens_per_minute must not be negative.")


class Pace:
    """When requests may go: evenly, at the rates allowed, and not while the server asks to be left alone."""

    def __init__(self, manners: Manners) -> None:
        self._manners = manners
        self._free = 0.0  # on the monotonic clock

    def turn(self, tokens: int) -> float:
        """Seconds until a request of ``tokens`` may go. Its share of the rates is taken."""
        now, how = time.monotonic(), self._manners
        start = max(now, self._free)
        share = 60 / how.requests_per_minute if how.requests_per_minute else 0.0
        if how.tokens_per_minute:
            share = max(share, 60 * tokens / how.tokens_per_minute)
        self._free = start + share
        return start - now

    def hold(self, seconds: float) -> None:
        """Nothing goes for ``seconds``."""
        self._free = max(self._free, time.monotonic() + seconds)


class Server:
    """A server at ``base_url`` (its path included, such as http://localhost:8000/v1), whose key is in the environment
    variable ``key_name``. ``name`` says where it is without what may be secret in the address."""

    def __init__(self, base_url: str, key_name: str, manners: Manners) -> None:
        import httpx

        try:
            url = httpx.URL(base_url)
        except httpx.InvalidURL:
            url = httpx.URL()
        if url.scheme not in ("http", "https") or not url.host:
            raise InputError("base_url is no address of a server: give one such as http://localhost:8000/v1.")
        self._login = (url.username, url.password) if url.userinfo else None
        self._url = url.copy_with(userinfo=b"")
        self.name = str(self._url.copy_with(query=None, fragment=None)).rstrip("/")
        self.key_name, self._manners, self._pace = key_name, manners, Pace(manners)
        self._met = False

    @property
    def _key(self) -> str:
        """Read when it is needed and kept nowhere."""
        key = os.environ.get(self.key_name, "").strip()
        if not key.isascii() or not key.isprintable():
            raise InputError(f"the environment variable {self.key_name} holds no key: it has characters no key has.")
        return key

    def words(self, said: Any) -> str:
        """What the server says of an error, in whichever of the usual places, on one line, without the key."""
        error = said.get("error", said) if isinstance(said, dict) else said
        if isinstance(error, dict):
            error = error.get("message") or error.get("detail") or error
        text = " ".join(str(error or "").split())
        return (text.replace(key, "…") if (key := self._key) else text)[:SHOWN]

    def once(self, work: Callable[[Session], Awaitable[Found]]) -> Found:
        """What ``work`` makes of a single request or several."""
        (found,) = self.each(lambda session, _: work(session), [None])
        return found

    def each(self, work: Callable[[Session, Item], Awaitable[Found]], items: Sequence[Item]) -> Iterator[Found]:
        """What ``work`` makes of each item, as it is finished; items are begun in order, ``concurrency`` at once.

        Where one fails no more are begun, those that are nearly there are still taken, and its error is raised; where
        the reader stops, all are dropped. An event loop in a thread of its own does it, so that it works inside
        another's (a notebook's) too."""
        found: SimpleQueue[tuple[Found] | BaseException | None] = SimpleQueue()
        loop = asyncio.new_event_loop()
        task = loop.create_task(self._all(work, items, found))

        def drive() -> None:
            try:
                loop.run_until_complete(task)
            except asyncio.CancelledError:
                pass
            except BaseException as error:  # the reader's to raise
                found.put(error)
            found.put(None)

        thread = Thread(target=drive, name="harness-server", daemon=True)
        thread.start()
        try:
            while (said := found.get()) is not None:
                if isinstance(said, BaseException):
                    raise said
                yield said[0]
        finally:
            loop.call_soon_threadsafe(task.cancel)
            thread.join()
            loop.close()

    async def _all(
        self,
        work: Callable[[Session, Item], Awaitable[Found]],
        items: Sequence[Item],
        found: SimpleQueue[tuple[Found] | BaseException | None],
    ) -> None:
        waiting = deque(items)
        async with self._client() as client:
            session = Session(self, client)

            async def worker() -> None:
                while waiting:
                    found.put((await work(session, waiting.popleft()),))

            workers = [asyncio.create_task(worker()) for _ in range(min(self._manners.concurrency, len(items)))]
            try:
                done, out = await asyncio.wait(workers, return_when=asyncio.FIRST_EXCEPTION)
                waiting.clear()
                if out:
                    await asyncio.wait(out, timeout=GRACE)
                for each in done:
                    each.result()
            finally:
                for each in workers:
                    each.cancel()
                await asyncio.gather(*workers, return_exceptions=True)

    def _client(self) -> Any:
        import httpx

        key, count = self._key, self._manners.concurrency
        return httpx.AsyncClient(
            headers={"Authorization": f"Bearer {key}"} if key else {},
            auth=self._login,
            timeout=self._manners.timeout,
            limits=httpx.Limits(max_connections=count, max_keepalive_connections=count),
        )


class Session:
    """Requests over one client of a server."""

    def __init__(self, server: Server, client: Any) -> None:
        self._server, self._client = server, client

    async def send(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, tokens: int = 0
    ) -> dict[str, Any]:
        """The JSON object that the server answers. ``tokens`` is what the request counts for in its rates.

        What may pass (too many requests, a server's failure, silence, a broken connection) is tried again after a
        random wait, or as long as the server asks. Raises Refused where trying again is no use, HarnessError where it
        was none."""
        import httpx

        server, how = self._server, self._server._manners
        url = server._url.copy_with(path=f"{server._url.path.rstrip('/')}/{path}")
        problem = ""
        for attempt in range(how.retries + 1):
            await asyncio.sleep(server._pace.turn(tokens))
            wait = random.uniform(0, min(LONGEST, how.backoff * 2**attempt))
            try:
                response = await self._client.request(method, url, json=body)
                server._met = True
                if response.is_success and isinstance(said := _json(response), dict):
                    return said
                problem = self._problem(response, path)
                asked = pause(response.headers) if response.status_code in (429, 503) else 0.0
                if asked > PATIENCE:
                    problem += f", and it asks to be left alone for {asked:.0f} s"
                    break
                server._pace.hold(asked)
            except httpx.RequestError as error:
                problem = f"{type(error).__name__} {error}".strip()
                if isinstance(error, httpx.ConnectError) and not server._met:
                    raise InputError(
                        f"no server answers at {server.name}: {error}. Start it, or give its address: --engine-with "
                        "base_url=http://HOST:PORT/v1, or the environment variable OPENAI_BASE_URL."
                    ) from None
            if attempt < how.retries:
                await asyncio.sleep(wait)
        raise HarnessError(
            f"{server.name}/{path}: given up after {attempt + 1} attempts: {problem}. Finished answers are kept: the "
            "same command goes on from there. A lower concurrency, or more retries, gives the server more room."
        )

    def _problem(self, response: Any, path: str) -> str:
        """What went wrong, where it may pass. Raises what will not."""
        server, status = self._server, response.status_code
        if response.is_success:
            return f"status {status}, but what came is no JSON object"
        said = _json(response)
        message, code = server.words(response.text if said is None else said), _code(said)
        problem = f"status {status}, {message}"
        if code == "insufficient_quota":
            raise HarnessError(
                f"{server.name}/{path}: {problem}. Finished answers are kept; run again when it is mended."
            )
        if status in PASSING or status >= 500:
            return problem
        if status in (401, 403):
            state = "is set" if server._key else "is not set"
            raise InputError(
                f"{server.name} refuses the key: {problem}. It is read from the environment variable "
                f"{server.key_name}, which {state}; --engine-with api_key_env=NAME names another."
            )
        hint = " Check base_url, which usually ends in /v1." if status == 404 else ""
        raise Refused(f"{server.name}/{path} refuses the request: {problem}.{hint}", status)


def pause(headers: Mapping[str, str]) -> float:
    """Seconds that a server asks to be left alone: ``Retry-After`` (seconds or a date), else the shortest of the
    ``x-ratelimit-reset-*`` (such as 1m2.5s), for it does not say which limit was met; 0 where it asks nothing."""
    with suppress(ValueError):
        return max(0.0, float(headers.get("retry-after-ms", "")) / 1000)
    after = headers.get("retry-after", "")
    with suppress(ValueError):
        return max(0.0, float(after))
    with suppress(ValueError):
        then = parsedate_to_datetime(after)
        return max(0.0, (then - datetime.now(UTC)).total_seconds())
    resets = [value for name, value in headers.items() if name.lower().startswith("x-ratelimit-reset")]
    return min(map(_seconds, resets), default=0.0)


def _seconds(text: str) -> float:
    """Of 1h, 6m0s, 1m2.5s or 20ms; 0 for anything else."""
    if not re.fullmatch(r"(\d+(\.\d+)?(ms|s|m|h))+", text):
        return 0.0
    units = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
    return sum(float(number) * units[unit] for number, _, unit in re.findall(r"(\d+(\.\d+)?)(ms|s|m|h)", text))


def _json(response: Any) -> Any:
    """None where it is no JSON."""
    with suppress(ValueError):
        return response.json()
    return None


def _code(said: Any) -> str:
    """The code of an error that the server tells; empty where it tells none."""
    error = said.get("error") if isinstance(said, dict) else None
    return str(error.get("code")) if isinstance(error, dict) else ""
