"""What a server sends, read within bounds: unpacked, as JSON, without the secrets of this process."""

from __future__ import annotations

import json
import zlib
from contextlib import suppress
from typing import Any

from harness import secret
from harness.engines.reply import Odd

PACKED = ("gzip", "x-gzip")
LEAST = 16 * 2**20  # bytes that may come, whatever was asked
EACH = 4096  # bytes that a token of the request may bring, with its log-probabilities
PLACES = ("message", "detail")  # where an error says what it is


def limit(tokens: int) -> int:
    """Bytes that may come for a request of ``tokens``, those of its answer included."""
    return max(LEAST, EACH * tokens)


async def read(response: Any, most: int) -> bytes:
    """The content of a streamed response, of which never more than ``most`` bytes are held. Raises Odd where it is
    longer, or packed in a way that cannot be bounded."""
    packing = response.headers.get("content-encoding", "").strip().lower()
    if packing not in ("", "identity", *PACKED):
        raise Odd(f"what came is packed as {packing}, which was not asked for")
    unpack, content = zlib.decompressobj(zlib.MAX_WBITS | 16) if packing in PACKED else None, bytearray()
    async for chunk in response.aiter_raw():
        room = most + 1 - len(content)
        try:
            content += unpack.decompress(chunk, room) if unpack else chunk[:room]
        except zlib.error as error:
            raise Odd(f"what came cannot be unpacked: {error}") from None
        if len(content) > most:
            raise Odd(f"what came is longer than {most:,} bytes, which no answer to this request can be")
    if unpack and not unpack.eof:
        raise Odd("what came breaks off")
    return bytes(content)


def parsed(content: bytes) -> Any:
    """The JSON in ``content``. Raises Odd where there is none that can be read."""
    try:
        return _plain(json.loads(content))
    except (ValueError, RecursionError):
        raise Odd("what came is no JSON object") from None


def _plain(said: Any) -> Any:
    """Texts without secrets, nor halves of surrogate pairs, which no file takes."""
    if isinstance(said, str):
        return secret.hidden(said.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))
    if isinstance(said, list):
        return [_plain(each) for each in said]
    if isinstance(said, dict):
        return {_plain(name): _plain(value) for name, value in said.items()}
    return said


def words(content: bytes) -> str:
    """What the server says of an error, in whichever of the usual places, else all that it says."""
    with suppress(Odd, RecursionError):
        said = parsed(content)
        error = said.get("error", said) if isinstance(said, dict) else said
        found = [error.get(place) for place in PLACES] if isinstance(error, dict) else [error]
        return next((each for each in found if each and isinstance(each, str)), json.dumps(said, ensure_ascii=False))
    return content.decode("utf-8", "replace")


def code(said: Any) -> str:
    """The code of an error that the server tells; empty where it tells none."""
    error = said.get("error") if isinstance(said, dict) else None
    return str(error.get("code")) if isinstance(error, dict) else ""
