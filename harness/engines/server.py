"""The HTTP side of a server: several requests at once, each over a session."""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from queue import SimpleQueue
from threading import Thread
from typing import Any, TypeVar

from harness.engines.pace import Manners, Pace
from harness.engines.session import Session
from harness.errors import InputError

GRACE = 5.0  # seconds that answers on their way have after another request failed
SHOWN = 300  # characters of a server's message

Item = TypeVar("Item")
Found = TypeVar("Found")


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
