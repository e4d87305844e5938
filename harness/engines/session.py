"""Requests to a server, with patience for what passes."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from harness.engines.pace import pause
from harness.errors import HarnessError, InputError

if TYPE_CHECKING:
    from harness.engines.server import Server

PASSING = (408, 409, 425, 429)  # with 5xx: what another attempt may mend
LONGEST = 60.0  # seconds between attempts, where the server does not say
PATIENCE = 600.0  # seconds that a server may ask to be left alone


class Refused(InputError):
    """A request that the server will not take, or not as meant, however often it is sent; ``status`` is HTTP's."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


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


def _json(response: Any) -> Any:
    """None where it is no JSON."""
    with suppress(ValueError):
        return response.json()
    return None


def _code(said: Any) -> str:
    """The code of an error that the server tells; empty where it tells none."""
    error = said.get("error") if isinstance(said, dict) else None
    return str(error.get("code")) if isinstance(error, dict) else ""
