"""What a server refuses: one prompt, whose item has failed, or all of them, which ends the study."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator

from harness.engines.session import Refused, Session
from harness.types import Answer, Request

ONE = (200, 400, 413, 422)  # statuses that may be about one prompt only: a content filter's, too long, no answer
SETUP = 5  # requests refused before any was answered: then it is about all of them

Work = Callable[[Session, Request], Awaitable[Answer]]


def tolerant(work: Work) -> Callable[[Session, Request], Awaitable[tuple[Answer, Refused | None]]]:
    """``work``, but what may be about one prompt only is an answer that failed, beside the error."""

    async def attempt(session: Session, request: Request) -> tuple[Answer, Refused | None]:
        try:
            return await work(session, request), None
        except Refused as error:
            if error.status not in ONE:
                raise
            return Answer(request.key, finish="failed", failure=str(error)), error

    return attempt


def sifted(found: Iterable[tuple[Answer, Refused | None]], answers: bool) -> Iterator[Answer]:
    """The answers and failures of ``found``; failures are held back until one was answered, unless it is known that the
    server ``answers``. Raises the first error where it answers none of ``SETUP``, or of all."""
    held: list[Answer] = []
    first: Refused | None = None
    for answer, error in found:
        answers = answers or error is None
        first = first or error
        held.append(answer)
        if answers:
            yield from held
            held.clear()
        elif first and len(held) == SETUP:
            raise first
    if held and first:
        raise first
