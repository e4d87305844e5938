"""Requests to a server, with patience for what passes."""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from harness.engines import content
from harness.engines.address import Address
from harness.engines.pace import Manners, Pace, pause
from harness.engines.reply import NoAnswer, Odd
from harness.errors import HarnessError, InputError

PASSING = (408, 409, 425, 429)  # with 5xx: what another attempt may mend
LONGEST = 60.0  # seconds between attempts, where the server does not say
PATIENCE = 600.0  # seconds that a server may ask to be left alone
KEPT = "Finished answers are kept: the same command goes on from there."
FORM = "not in the form of OpenAI's protocol. Check base_url, which usually ends in /v1, and what the server offers"
BROKEN = (KeyError, IndexError, TypeError, ValueError, AttributeError, OverflowError)  # an answer of another form

Found = TypeVar("Found")
Read = Callable[[Mapping[str, Any]], Found]
"""Reads what is wanted out of the JSON object that a server answers. Raises one of ``BROKEN`` where it is not there."""


class Refused(InputError):
    """A request that the server will not take, or not as meant, however often it is sent; ``status`` is HTTP's."""

    def __init__(self, message: str, status: int = 0) -> None:  # one argument is what pickle gives
        super().__init__(message)
        self.status = status


class GivenUp(HarnessError):
    """A request that failed as often as it may be sent; ``problem`` says how it failed the last time."""

    def __init__(self, problem: str) -> None:
        super().__init__(f"{problem} {KEPT} A lower concurrency, or more retries, gives the server more room.")
        self.problem = problem

    def __reduce__(self) -> tuple[type[GivenUp], tuple[str]]:
        return type(self), (self.problem,)


class Garbled(GivenUp):
    """A request that was answered every time, but in no way that makes sense."""


class Session:
    """Requests over one client of a server, for one purpose; ``retries`` counts those sent again, ``seconds`` is how
    long those that were answered took."""

    def __init__(self, address: Address, manners: Manners, pace: Pace, client: Any) -> None:
        self._address, self._manners, self._pace, self._client = address, manners, pace, client
        self.retries, self.seconds = 0, 0.0

    async def send(
        self, method: str, path: str, read: Read[Found], body: Mapping[str, Any] | None = None, tokens: int = 0
    ) -> Found:
        """What ``read`` makes of the server's answer. ``tokens`` is what the request counts for in its rates.

        What may pass (too many requests, a server's failure, an answer that is none or does not end, a broken
        connection) is tried again after a random wait, or as long as the server asks. Raises Refused where trying again
        is no use, GivenUp where it was none."""
        import httpx

        where, how, odd = f"{self._address.name}/{path}", self._manners, 0
        for attempt in range(how.retries + 1):
            await asyncio.sleep(self._pace.turn(tokens))
            wait = random.uniform(0, min(LONGEST, how.backoff * 2**attempt))
            self.retries += attempt > 0
            try:
                begun = time.perf_counter()
                status, headers, came = await self._attempt(method, path, body, tokens)
                if 200 <= status < 300:
                    self.seconds += time.perf_counter() - begun
                    return self._understood(status, came, path, read)
                problem = self._problem(status, came, path)
                self._leave_alone(status, headers, f"{where}: given up after {attempt + 1} attempts: {problem}")
            except Odd as error:
                problem, odd = self._address.told(str(error)), odd + 1
            except TimeoutError:
                problem = f"no whole answer within {how.timeout:g} s"
            except httpx.RequestError as error:
                problem = self._address.told(f"{type(error).__name__} {error}")
                if isinstance(error, httpx.ConnectError) and not self._address.met:
                    raise InputError(
                        f"no server answers at {self._address.name}: {self._address.told(str(error))}. Start it, or "
                        "give its address: --engine-with base_url=http://HOST:PORT/v1, or the environment variable "
                        "OPENAI_BASE_URL."
                    ) from None
            if attempt < how.retries:
                await asyncio.sleep(wait)
        kind = Garbled if odd == attempt + 1 else GivenUp
        raise kind(f"{where}: given up after {attempt + 1} attempts: {problem}.")

    def _leave_alone(self, status: int, headers: Mapping[str, str], problem: str) -> None:
        """Nothing goes for as long as the server asks. Raises HarnessError where that is too long to wait for."""
        asked = pause(headers) if status in (429, 503) else 0.0
        if asked > PATIENCE:
            raise HarnessError(f"{problem}, and it asks to be left alone for {asked:.0f} s. {KEPT}")
        self._pace.hold(asked)

    async def _attempt(
        self, method: str, path: str, body: Mapping[str, Any] | None, tokens: int
    ) -> tuple[int, Mapping[str, str], bytes]:
        """The status, headers and content that come, in the time that an attempt has."""
        stream = self._client.stream(method, self._address.to(path), json=body)
        async with asyncio.timeout(self._manners.timeout), stream as response:
            self._address.met = True
            came = await content.read(response, content.limit(tokens))
        return response.status_code, response.headers, came

    def _understood(self, status: int, came: bytes, path: str, read: Read[Found]) -> Found:
        """What ``read`` makes of a success. Raises Odd where it is none, Refused where it says that it is none."""
        where, said = f"{self._address.name}/{path}", content.parsed(came)
        if not isinstance(said, dict):
            raise Odd(f"status {status}, but what came is no JSON object")
        if said.get("error") and not said.get("choices"):
            problem = f"status {status}, but an error: {self._address.told(content.words(came))}"
            code = content.code(said)
            if re.fullmatch(r"4\d\d", code) and int(code) not in PASSING:
                raise Refused(f"{where} refuses the request: {problem}.", status)
            raise Odd(problem)
        try:
            return read(said)
        except NoAnswer as none:
            raise Refused(f"{where} answers nothing: {self._address.told(str(none))}.", status) from None
        except Odd as error:
            raise Odd(f"status {status}, but {error}") from None
        except BROKEN:
            raise Odd(f"status {status}, but what came is {FORM}") from None

    def _problem(self, status: int, came: bytes, path: str) -> str:
        """What went wrong, where it may pass. Raises what will not."""
        address = self._address
        problem = f"status {status}, {address.told(content.words(came))}"
        if _code(came) == "insufficient_quota":
            raise HarnessError(
                f"{address.name}/{path}: {problem}. Finished answers are kept; run again when it is mended."
            )
        if status in PASSING or status >= 500:
            return problem
        if status in (401, 403):
            state = "is set" if address.key else "is not set"
            raise InputError(
                f"{address.name} refuses the key: {problem}. It is read from the environment variable "
                f"{address.key_name}, which {state}; --engine-with api_key_env=NAME names another."
            )
        hint = " Check base_url, which usually ends in /v1." if status == 404 else ""
        raise Refused(f"{address.name}/{path} refuses the request: {problem}.{hint}", status)


def _code(came: bytes) -> str:
    try:
        return content.code(content.parsed(came))
    except Odd:
        return ""
