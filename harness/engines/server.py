"""The HTTP side of a server: several requests at once, each over a session of its own."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from queue import SimpleQueue
from threading import Thread
from typing import Any, TypeVar

from harness import secret
from harness.engines import content
from harness.engines.address import Address
from harness.engines.pace import Manners, Pace
from harness.engines.session import Session

GRACE = 5.0  # seconds that answers on their way have after another request failed

Item = TypeVar("Item")
Found = TypeVar("Found")


class Server:
    """The server at ``address``, treated with ``manners``."""

    def __init__(self, address: Address, manners: Manners) -> None:
        self.address, self.manners, self._pace = address, manners, Pace(manners)

    def once(self, work: Callable[[Session], Awaitable[Found]]) -> Found:
        """What ``work`` makes of a single request or several."""
        (found,) = self.each(lambda session, _: work(session), [None])
        return found

    def each(
        self,
        work: Callable[[Session, Item], Awaitable[Found]],
        items: Sequence[Item],
        more: Callable[[], bool] = lambda: True,
    ) -> Iterator[Found]:
        """What ``work`` makes of each item, as it is finished; items are begun in order, ``concurrency`` at once, as
        long as ``more`` says so.

        Where one fails no more are begun, those that are nearly there are still taken, and its error is raised; where
        the reader stops, all are dropped. An event loop in a thread of its own does it, so that it works inside
        another's (a notebook's) too."""
        found: SimpleQueue[tuple[Found] | BaseException | None] = SimpleQueue()
        loop = asyncio.new_event_loop()
        task = loop.create_task(self._all(work, items, more, found))

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
        more: Callable[[], bool],
        found: SimpleQueue[tuple[Found] | BaseException | None],
    ) -> None:
        waiting = deque(items)
        async with self._client() as client:

            async def worker() -> None:
                while waiting and more():
                    session = Session(self.address, self.manners, self._pace, client)
                    found.put((await work(session, waiting.popleft()),))

            workers = [asyncio.create_task(worker()) for _ in range(min(self.manners.concurrency, len(items)))]
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

        secret.hush()
        key, count = self.address.key, self.manners.concurrency
        return httpx.AsyncClient(
            headers={"Accept-Encoding": content.PACKED[0], **({"Authorization": f"Bearer {key}"} if key else {})},
            auth=self.address.login,
            timeout=None,  # an attempt has one of its own
            limits=httpx.Limits(max_connections=count, max_keepalive_connections=count),
        )
