"""What gets no answer: one prompt, whose item has failed, or all of them, which ends the study."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import replace

from harness.engines.server import Server
from harness.engines.session import GivenUp, Refused, Session
from harness.errors import HarnessError
from harness.types import Answer, Request, Usage

ONE = (200, 400, 413, 422)  # statuses that may be about one prompt only: a content filter's, too long, no answer
SETUP = 5  # requests without an answer before any was answered: then it is about all of them

Work = Callable[[Session, Request], Awaitable[Answer]]
Outcome = tuple[Answer, HarnessError | None]


def tolerant(work: Work) -> Callable[[Session, Request], Awaitable[Outcome]]:
    """``work``, but what may be about one prompt only is an answer that failed, beside the error."""

    async def attempt(session: Session, request: Request) -> Outcome:
        error: HarnessError | None = None
        try:
            answer = await work(session, request)
        except Refused as refused:
            if refused.status not in ONE:
                raise
            answer, error = Answer(request.key, finish="failed", failure=str(refused)), refused
        except GivenUp as vain:
            answer, error = Answer(request.key, finish="failed", failure=vain.problem), vain
        usage = answer.usage + Usage(retries=session.retries)
        return replace(answer, usage=usage, seconds=None if error else session.seconds), error

    return attempt


class Sieve:
    """The answers of a server to requests, among them those that failed. ``plain`` is a request of their kind that is
    about none of them; ``met`` says whether the server has answered any before, in this run or one that it goes on.

    A prompt that is refused has failed, once the server answers others. One that was given up says less: it may be the
    server that is down. It is held back until the next is answered. Where none is, for twice as many as go at once or
    to the end, ``plain`` is asked: if that is answered, it is about the prompts; if not, the first error is raised. So
    it is where ``SETUP`` of them, or all, have no answer before there is any."""

    def __init__(self, server: Server, work: Work, plain: Request, met: bool) -> None:
        self._server, self._work, self._plain, self.met = server, tolerant(work), plain, met
        self._answered, self._vain = False, 0  # as they come from the server, before they are read here
        self._held: list[Answer] = []
        self._first: HarnessError | None = None

    def answers(self, requests: Sequence[Request]) -> Iterator[Answer]:
        """An answer to each request. Raises the first error where the server answers none."""
        for answer, error in self._server.each(self._counted, requests, self._goes_on):
            self._held.append(answer)
            if error is None or (self.met and isinstance(error, Refused)):
                self.met = True
                yield from self._release()
                continue
            self._first = self._first or error
            if len(self._held) >= (max(SETUP, 2 * self._server.manners.concurrency) if self.met else SETUP):
                yield from self._judged(self._first)
        if self._first:
            yield from self._judged(self._first)

    async def _counted(self, session: Session, request: Request) -> Outcome:
        answer, error = await self._work(session, request)
        if error is None:
            self._answered = True
        else:
            self._vain += 1
        return answer, error

    def _goes_on(self) -> bool:
        """Whether another may be asked: not once it is the setup that gets no answer."""
        return self.met or self._answered or self._vain < SETUP

    def _judged(self, error: HarnessError) -> Iterator[Answer]:
        """What is held back, if the server is there. Raises ``error`` where it is not."""
        if self.met:
            _, failed = self._server.once(lambda session: self._work(session, self._plain))
        if not self.met or isinstance(failed, GivenUp):
            several = isinstance(error, GivenUp) and len(self._held) > 1
            raise HarnessError(f"{len(self._held)} requests in a row got no answer. {error}") if several else error
        yield from self._release()

    def _release(self) -> Iterator[Answer]:
        held, self._held, self._first = self._held, [], None
        yield from held
